import type { CommandName, OptionGroup, OptionSpec } from './option-spec.ts';
import { takesArgument } from './option-spec.ts';
import { optionsOf } from './options.ts';

const WIDTH = 90;
const HELP_COLUMN = 29;

const GROUPS: readonly (readonly [OptionGroup, string])[] = [
  ['top', 'The table'],
  ['trace', 'Where to trace'],
  ['match', "Which packets (in the kernel; repeatable: any of them; '!' before a value negates)"],
  ['output', 'Output'],
  ['text', 'Text lines'],
  ['bounds', 'Bounds'],
  ['other', 'Other'],
];

const CAPTURE_HEAD = `usage: xcap [options] [expression] [-- COMMAND]
       xcap hooks | reasons | filter EXPR | top | build EXPR -o FILE | xdpcap [options]
                                             (each has its own --help)

Traces packets in the whole kernel, all devices and all network namespaces, and says why, where
and for whom they are dropped. The expression is tcpdump's: man 7 pcap-filter.

  xcap icmp                                  why are my pings dropped
  xcap --netns blue 'tcp port 443'           drops in the namespace blue
  xcap --reason NETFILTER_DROP -c 20         the next 20 packets that a firewall drops
  xcap --hook drop,rx,tx -i eth0 arp         traffic beside drops, on one device
  xcap --hook icmp_rcv,veth_xmit icmp        at any function of the kernel with a packet
  xcap -w drops.pcapng --duration 1m         a file for tshark and Wireshark
  xcap -w - icmp | wireshark -k -i -         live in Wireshark
  xcap --comm nginx --json | jq .reason      JSON lines
  xcap --who all -- curl -s example.org      what a command sends and gets
  xcap top --by iface,netns                  how many, where: a table, counted in the kernel
  xcap -d 'tcp[13] & 2 != 0'                 what an expression compiles to
`;

const CAPTURE_TAIL = `
Exit status: 0 done, also by Ctrl-C; 1 usage; 2 expression; 3 not permitted; 4 not possible on
this system; 5 failed while running. SIGUSR1 prints the counts so far.
Compiled programs, and where functions are, are kept in /var/cache/xcap; XCAP_CACHE=DIRECTORY:
there; XCAP_CACHE=off: nowhere.
`;

const HEADS: Readonly<Record<CommandName, string>> = {
  capture: CAPTURE_HEAD,
  build: `usage: xcap build [options] [expression] -o FILE

Compiles what a capture needs, for a host without compiler and libpcap: 'xcap --run FILE' runs it
there. It is for one kernel: this one, or another by --btf and --release.

  xcap build --hook drop,rx 'tcp port 443' -o web.xcap
  xcap build --btf vmlinux.btf --release 6.12.95+deb13-amd64 icmp -o pings.xcap
  xcap --run web.xcap --netns blue -c 20 --json

Outputs, bounds and text options are given to --run. So are other namespaces, processes and devices,
as many as it was built with.
`,
  filter: `usage: xcap filter [options] EXPR

Shows what an expression is compiled to, and runs it in the kernel on the packets of capture files.
Only --read and --verify need privileges.

  xcap filter 'tcp port 80'                  cBPF, as tcpdump -d lists it
  xcap filter --emit c icmp                  C: the kernel's program, and a function for your own
  xcap filter --link-type RAW icmp           for packets without a link header
  xcap filter --explain 'host 10.0.0.1'      what is looked at, and what it costs
  xcap filter 'udp port 53' --read a.pcap    the numbers of the packets that match
  xcap filter icmp --verify *.pcap           the same answer as libpcap on each packet?

What follows --read and --verify up to the next option are files; with no expression before them, it
begins at the first word that is no file.
`,
  hooks: `usage: xcap hooks [PATTERN]

Lists what --hook can name on this kernel, how it would be hooked, and where the packet is: hooks of
xcap's own, tracepoints, functions of the kernel and of loaded modules. With a PATTERN also what
cannot be hooked, and why.

  xcap hooks 'tcp_*_rcv*'
  xcap hooks dev_queue_xmit
  xcap hooks 'tracepoint:*'
`,
  top: `usage: xcap top [options] [expression]

Counts packets in the kernel, without an event for each, and shows how many there are a second: a
table that is redrawn on a terminal, else lines of key=value words, or JSON. At the end, also by
Ctrl-C, come the totals. Hooks, filters and expression are those of a capture.

  xcap top                                   drops by reason and location
  xcap top --by netns,iface 'tcp port 443'   where connections lose packets
  xcap top --by comm,flow --reason NO_SOCKET whose packets nobody waits for
  xcap top --hook 'tcp_*' --by hook          which functions see packets, and how many
  xcap top --json --interval 10s | jq -c 'select(.row == "all")'
`,
  reasons: `usage: xcap reasons [PATTERN]

Lists the drop reasons of this kernel, numbers and names; PATTERN is a part of the name.

  xcap reasons netfilter
`,
};

/** The help of a command, lines of at most 100 columns. */
export function helpText(command: CommandName): string {
  const options = optionsOf(command);
  const listed = GROUPS.map(([group, title]): string => {
    const rows = options.filter(
      (each) => each.group === group && each.help !== '' && each.status !== 'not-yet',
    );
    return rows.length === 0 ? '' : `\n${title}:\n${rows.map(row).join('')}`;
  }).join('');
  const promised = options.filter(({ status }) => status === 'not-yet').map(spellings);
  const later = promised.length === 0 ? '' : `\nNot yet: ${wrapped(promised.join(', '), 9)}\n`;
  return HEADS[command] + listed + later + (command === 'capture' ? CAPTURE_TAIL : '');
}

function spellings({ short, long }: OptionSpec): string {
  if (long === undefined) return `-${short ?? ''}`;
  return short === undefined ? `--${long}` : `-${short}, --${long}`;
}

function row(option: OptionSpec): string {
  const indent = option.short === undefined ? '      ' : '  ';
  const argument = takesArgument(option) ? ` ${option.argument ?? 'VALUE'}` : '';
  const head = `${indent}${spellings(option)}${argument}`;
  const gap = ' '.repeat(HELP_COLUMN);
  const start = head.length + 2 > HELP_COLUMN ? `${head}\n${gap}` : head.padEnd(HELP_COLUMN);
  return `${start}${wrapped(option.help, HELP_COLUMN)}\n`;
}

/** Breaks a text between words, the lines after the first indented. */
function wrapped(text: string, indent: number): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent + line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].join(`\n${' '.repeat(indent)}`);
}
