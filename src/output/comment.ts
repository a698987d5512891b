import type { ContextKind } from '../records/record.ts';

/**
 * The comment of a packet in pcapng: `key=value` words. The grammar is public and stable, see
 * docs/record-format.md; keys are only ever added, at the end.
 */
export interface CommentFields {
  readonly hook?: string | undefined;
  readonly reason?: string | undefined;
  readonly location?: string | undefined;
  readonly pid?: number | undefined;
  readonly tid?: number | undefined;
  readonly comm?: string | undefined;
  readonly context?: ContextKind | undefined;
  readonly netns?: number | undefined;
  readonly netnsName?: string | undefined;
  readonly ifindex?: number | undefined;
  readonly mark?: number | undefined;
  readonly cgroup?: string | undefined;
  readonly rule?: string | undefined;
  /** Innermost function first, by semicolons. */
  readonly stackText?: string | undefined;
  /** `none`: the packet had no link header, and the zeroed one in the file is ours. */
  readonly link?: 'none' | undefined;
  /** Fields of --action-c: `name=value` words. */
  readonly userText?: string | undefined;
  /** Of a socket without a packet. */
  readonly laddr?: string | undefined;
  readonly lport?: number | undefined;
  readonly raddr?: string | undefined;
  readonly rport?: number | undefined;
  readonly family?: string | undefined;
  readonly sockProtocol?: number | undefined;
  readonly state?: string | undefined;
  readonly ret?: string | undefined;
  readonly verdict?: string | undefined;
  readonly ownerPid?: number | undefined;
  readonly ownerComm?: string | undefined;
  readonly redirect?: string | undefined;
  readonly bytes?: string | undefined;
  /** Headers that are not the packet's own: `eth,ip,tcp`. */
  readonly synth?: string | undefined;
  readonly ownerBy?: string | undefined;
  readonly cgroupBy?: string | undefined;
  readonly container?: string | undefined;
  readonly pod?: string | undefined;
}

/** Key in the comment -> field and kind, in the order in which the words are written. */
export const COMMENT_KEYS = {
  hook: { field: 'hook', kind: 'text' },
  reason: { field: 'reason', kind: 'text' },
  location: { field: 'location', kind: 'text' },
  pid: { field: 'pid', kind: 'number' },
  tid: { field: 'tid', kind: 'number' },
  comm: { field: 'comm', kind: 'text' },
  context: { field: 'context', kind: 'text' },
  netns: { field: 'netns', kind: 'number' },
  netns_name: { field: 'netnsName', kind: 'text' },
  ifindex: { field: 'ifindex', kind: 'number' },
  mark: { field: 'mark', kind: 'number' },
  cgroup: { field: 'cgroup', kind: 'text' },
  rule: { field: 'rule', kind: 'text' },
  stack: { field: 'stackText', kind: 'text' },
  link: { field: 'link', kind: 'text' },
  user: { field: 'userText', kind: 'text' },
  laddr: { field: 'laddr', kind: 'text' },
  lport: { field: 'lport', kind: 'number' },
  raddr: { field: 'raddr', kind: 'text' },
  rport: { field: 'rport', kind: 'number' },
  family: { field: 'family', kind: 'text' },
  protocol: { field: 'sockProtocol', kind: 'number' },
  state: { field: 'state', kind: 'text' },
  ret: { field: 'ret', kind: 'text' },
  verdict: { field: 'verdict', kind: 'text' },
  owner_pid: { field: 'ownerPid', kind: 'number' },
  owner_comm: { field: 'ownerComm', kind: 'text' },
  redirect: { field: 'redirect', kind: 'text' },
  bytes: { field: 'bytes', kind: 'text' },
  synth: { field: 'synth', kind: 'text' },
  owner_by: { field: 'ownerBy', kind: 'text' },
  cgroup_by: { field: 'cgroupBy', kind: 'text' },
  container: { field: 'container', kind: 'text' },
  pod: { field: 'pod', kind: 'text' },
} as const satisfies Record<string, { field: keyof CommentFields; kind: 'text' | 'number' }>;

/** Printable ASCII but space, `"`, `=` and `\`. */
const BARE = /^[!#-<>-[\]-~]+$/;
const utf8 = new TextEncoder();

/** What is longer is cut, so that a comment with every key fits an option: 65535 bytes. */
const VALUE_CHARACTERS_MAX = 6700;

/** A value as it stands after `key=`: bare, or in double quotes with `\"`, `\\` and `\xNN`. */
export function quoteValue(value: string): string {
  if (BARE.test(value)) return value.slice(0, VALUE_CHARACTERS_MAX);
  let quoted = '"';
  for (const byte of utf8.encode(value)) {
    if (quoted.length > VALUE_CHARACTERS_MAX - 5) break;
    if (byte === 0x22 || byte === 0x5c) quoted += '\\' + String.fromCharCode(byte);
    else if (byte >= 0x20 && byte < 0x7f) quoted += String.fromCharCode(byte);
    else quoted += '\\x' + byte.toString(16).padStart(2, '0');
  }
  return quoted + '"';
}

/** Names repeat from packet to packet; the bound is for hosts where every packet has its own. */
const QUOTED_LIMIT = 4096;
const quotedValues = new Map<string, string>();

function quoteOnce(value: string): string {
  let quoted = quotedValues.get(value);
  if (quoted === undefined) {
    quoted = quoteValue(value);
    if (quotedValues.size >= QUOTED_LIMIT) quotedValues.clear();
    quotedValues.set(value, quoted);
  }
  return quoted;
}

/**
 * Formats the words of a packet's comment: ASCII only, unknown values absent, zero as 0.
 * A PacketRecord will do as `fields`. Written out, not looped over the table: it runs per packet.
 */
export function formatComment(
  fields: CommentFields,
  link: 'none' | undefined = fields.link,
): string {
  let words = '';
  if (fields.hook !== undefined) words += ' hook=' + quoteOnce(fields.hook);
  if (fields.reason !== undefined) words += ' reason=' + quoteOnce(fields.reason);
  if (fields.location !== undefined) words += ' location=' + quoteOnce(fields.location);
  if (fields.pid !== undefined) words += ` pid=${fields.pid}`;
  if (fields.tid !== undefined) words += ` tid=${fields.tid}`;
  if (fields.comm !== undefined) words += ' comm=' + quoteOnce(fields.comm);
  if (fields.context !== undefined) words += ' context=' + fields.context;
  if (fields.netns !== undefined) words += ` netns=${fields.netns}`;
  if (fields.netnsName !== undefined) words += ' netns_name=' + quoteOnce(fields.netnsName);
  if (fields.ifindex !== undefined) words += ` ifindex=${fields.ifindex}`;
  if (fields.mark !== undefined) words += ` mark=${fields.mark}`;
  if (fields.cgroup !== undefined) words += ' cgroup=' + quoteValue(fields.cgroup);
  if (fields.rule !== undefined) words += ' rule=' + quoteValue(fields.rule);
  if (fields.stackText !== undefined) words += ' stack=' + quoteValue(fields.stackText);
  if (link !== undefined) words += ' link=' + link;
  if (fields.userText !== undefined) words += ' user=' + quoteValue(fields.userText);
  if (fields.family !== undefined) words += socketWords(fields);
  if (fields.ret !== undefined) words += ' ret=' + quoteShort(fields.ret);
  if (fields.verdict !== undefined) words += ' verdict=' + quoteShort(fields.verdict);
  if (fields.ownerPid !== undefined) words += ` owner_pid=${fields.ownerPid}`;
  if (fields.ownerComm !== undefined) words += ' owner_comm=' + quoteShort(fields.ownerComm);
  if (fields.redirect !== undefined) words += ' redirect=' + quoteShort(fields.redirect);
  if (fields.bytes !== undefined) words += ' bytes=' + quoteShort(fields.bytes);
  if (fields.synth !== undefined) words += ' synth=' + quoteShort(fields.synth);
  if (fields.ownerBy !== undefined) words += ' owner_by=' + quoteShort(fields.ownerBy);
  if (fields.cgroupBy !== undefined) words += ' cgroup_by=' + quoteShort(fields.cgroupBy);
  if (fields.container !== undefined) words += ' container=' + quoteShort(fields.container);
  if (fields.pod !== undefined) words += ' pod=' + quoteShort(fields.pod);
  return words.slice(1);
}

/** Longer than any of them really is. */
const SHORT_VALUE_MAX = 64;

const quoteShort = (value: string): string => quoteOnce(value.slice(0, SHORT_VALUE_MAX));

function socketWords(fields: CommentFields): string {
  const { lport, rport, sockProtocol } = fields;
  const text = (key: 'laddr' | 'raddr' | 'family' | 'state'): string => {
    const value = fields[key];
    return value === undefined ? '' : ` ${key}=${quoteValue(value.slice(0, SHORT_VALUE_MAX))}`;
  };
  return (
    text('laddr') +
    (lport === undefined ? '' : ` lport=${lport}`) +
    text('raddr') +
    (rport === undefined ? '' : ` rport=${rport}`) +
    text('family') +
    (sockProtocol === undefined ? '' : ` protocol=${sockProtocol}`) +
    text('state')
  );
}

/** One word at the start of the rest: key, then a quoted or a bare value. */
const WORD = /([a-z_]+)=(?:"((?:[^"\\]|\\["\\]|\\x[0-9a-f]{2})*)"|([!#-<>-[\]-~]+))(?: |$)/y;

function unquote(quoted: string): string {
  const bytes: number[] = [];
  for (const [unit] of quoted.matchAll(/\\x[0-9a-f]{2}|\\?[^]/gu)) {
    if (unit.length === 4 && unit.startsWith('\\x')) bytes.push(Number.parseInt(unit.slice(2), 16));
    else bytes.push(...utf8.encode(unit.startsWith('\\') ? unit.slice(1) : unit));
  }
  return new TextDecoder().decode(Uint8Array.from(bytes));
}

/**
 * Reads a comment that formatComment() made. Keys that this version does not know are left out.
 * @returns undefined when the text is not one of ours (somebody's note, another program's comment)
 */
export function parseComment(text: string): CommentFields | undefined {
  const fields: Record<string, string | number> = {};
  let position = 0;
  while (position < text.length) {
    WORD.lastIndex = position;
    const match = WORD.exec(text);
    if (match === null) return undefined;
    position = WORD.lastIndex;
    const [, key = '', quoted, bare = ''] = match;
    const known = Object.hasOwn(COMMENT_KEYS, key)
      ? COMMENT_KEYS[key as keyof typeof COMMENT_KEYS]
      : undefined;
    if (known === undefined || Object.hasOwn(fields, known.field)) continue;
    if (known.kind === 'text') {
      fields[known.field] = quoted === undefined ? bare : unquote(quoted);
    } else {
      if (!/^[0-9]+$/.test(bare)) return undefined;
      fields[known.field] = Number(bare);
    }
  }
  // `hook` is the one word that every packet of ours has.
  return fields['hook'] === undefined ? undefined : fields;
}
