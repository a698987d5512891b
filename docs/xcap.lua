-- SPDX-License-Identifier: MIT
--
-- xcap for Wireshark and tshark: the key=value words of xcap's packet comments as fields, for
-- display filters, columns and -T fields. The grammar is in record-format.md.
--
--     tshark -X lua_script:xcap.lua -r drops.pcapng -Y 'xcap.reason == "NETFILTER_DROP"'
--
-- To load it always, copy it to the directory that Help > About > Folders calls "Personal Lua Plugins".

local xcap = Proto("xcap", "xcap packet metadata")
local comment_of = Field.new("frame.comment")

-- Key in the comment -> field. A key that is not here (a newer xcap's) is passed over.
local fields = {
    hook = ProtoField.string("xcap.hook", "Hook"),
    reason = ProtoField.string("xcap.reason", "Drop reason"),
    location = ProtoField.string("xcap.location", "Location"),
    pid = ProtoField.uint32("xcap.pid", "Process"),
    tid = ProtoField.uint32("xcap.tid", "Thread"),
    comm = ProtoField.string("xcap.comm", "Command"),
    context = ProtoField.string("xcap.context", "Context"),
    netns = ProtoField.uint32("xcap.netns", "Network namespace inode"),
    netns_name = ProtoField.string("xcap.netns_name", "Network namespace"),
    ifindex = ProtoField.uint32("xcap.ifindex", "Interface index"),
    mark = ProtoField.uint32("xcap.mark", "Mark", base.HEX_DEC),
    cgroup = ProtoField.string("xcap.cgroup", "Control group"),
    rule = ProtoField.string("xcap.rule", "Rule"),
    stack = ProtoField.string("xcap.stack", "Stack"),
    link = ProtoField.string("xcap.link", "Link header"),
    user = ProtoField.string("xcap.user", "Fields of the user's action"),
    laddr = ProtoField.string("xcap.laddr", "Local address"),
    lport = ProtoField.uint32("xcap.lport", "Local port"),
    raddr = ProtoField.string("xcap.raddr", "Remote address"),
    rport = ProtoField.uint32("xcap.rport", "Remote port"),
    family = ProtoField.string("xcap.family", "Address family"),
    protocol = ProtoField.uint32("xcap.protocol", "Protocol of the socket"),
    state = ProtoField.string("xcap.state", "State of the socket"),
    ret = ProtoField.string("xcap.ret", "Returned"),
    verdict = ProtoField.string("xcap.verdict", "Verdict"),
    owner_pid = ProtoField.uint32("xcap.owner_pid", "Process of the socket"),
    owner_comm = ProtoField.string("xcap.owner_comm", "Command of the socket's process"),
    owner_by = ProtoField.string("xcap.owner_by", "How that is known"),
    cgroup_by = ProtoField.string("xcap.cgroup_by", "Whose control group"),
    container = ProtoField.string("xcap.container", "Container"),
    pod = ProtoField.string("xcap.pod", "Kubernetes pod"),
    redirect = ProtoField.string("xcap.redirect", "Redirected to"),
    bytes = ProtoField.string("xcap.bytes", "Bytes captured"),
    synth = ProtoField.string("xcap.synth", "Headers made up"),
}
local numbers = {
    pid = true, tid = true, netns = true, ifindex = true, mark = true,
    lport = true, rport = true, protocol = true, owner_pid = true,
}

xcap.fields = {}
for _, field in pairs(fields) do
    table.insert(xcap.fields, field)
end

-- A quoted value that starts at `at`, after its first quote; returns it and what follows its last
-- quote, or nil. Fields end at a zero byte: that one stays as it was written.
local function quoted_value(text, at)
    local parts = {}
    while true do
        local plain, special = text:match('^([^"\\]*)()', at)
        parts[#parts + 1] = plain
        local two = text:sub(special, special + 1)
        local hex = text:match("^\\x(%x%x)", special)
        if two:sub(1, 1) == '"' then
            return table.concat(parts), special + 1
        elseif two == '\\"' or two == "\\\\" then
            parts[#parts + 1] = two:sub(2)
            at = special + 2
        elseif hex then
            parts[#parts + 1] = hex == "00" and "\\x00" or string.char(tonumber(hex, 16))
            at = special + 4
        else
            return nil
        end
    end
end

-- A list of { key, value } in the order of the comment; nil when it is not one of xcap's.
local function parse(text)
    local words, ours, at = {}, false, 1
    while at <= #text do
        local key, value
        key, at = text:match("^([a-z_]+)=()", at)
        if not key then
            return nil
        end
        if text:sub(at, at) == '"' then
            value, at = quoted_value(text, at + 1)
        else
            value, at = text:match('^([^ "=\\%c\128-\255]+)()', at)
        end
        if not value or not text:find("^ ", at) and at <= #text then
            return nil
        end
        at = at + 1
        ours = ours or key == "hook"
        words[#words + 1] = { key, value }
    end
    return ours and words or nil
end

function xcap.dissector(_, _, tree)
    for _, comment in ipairs({ comment_of() }) do
        local words = parse(comment.value)
        if words then
            local subtree = tree:add(xcap)
            subtree:set_generated()
            for _, word in ipairs(words) do
                local key, value = word[1], word[2]
                if numbers[key] then
                    value = tonumber(value)
                end
                if fields[key] and value then
                    subtree:add(fields[key], value):set_generated()
                end
            end
        end
    end
end

register_postdissector(xcap)
