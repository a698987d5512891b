import { type MemberRead, ROOT_STRUCTS, SOCK_COMMON, type TextField } from './condition.ts';
import { FIELDS } from './fields.ts';

/** What stands before the result of a term. */
export interface Lines {
  /** Numbers of this run, of all terms. */
  readonly values: bigint[];
  readonly statements: string[];
  /** Conditions already asked for: they need no second time. */
  readonly absent: Set<string>;
  /** Names given out so far. */
  variables: number;
}

const ROOT_READS = {
  skb: 'hit->skb',
  sk: 'xcap_packet_sk(hit)',
  dev: 'xcap_where_dev(net)',
} as const satisfies Record<MemberRead['root'], string>;

export const SOCK_STATE = `${SOCK_COMMON}.skc_state`;

/**
 * The C expression of a member, of its own type; statements before it follow the pointers, each of
 * which must lead somewhere.
 */
export function emitRead(read: MemberRead, lines: Lines): string {
  const last = read.hops.at(-1);
  const pointer = emitPointer(read, lines);
  if (last === undefined) return `(u64)${pointer}`;
  // sk and dev may be of either origin, and an address is for comparing: no typed loads there.
  const accessor = last.typed ? 'READ' : 'PROBE';
  switch (read.form) {
    case 'integer':
      return `(${read.signed ? 's' : 'u'}${read.bits})${accessor}(${pointer}, ${last.member})`;
    case 'bit-field':
      return `XCAP_BITS_${last.struct}__${last.member.replaceAll('.', '__')}(PROBE, ${pointer})`;
    default:
      return `(u64)PROBE(${pointer}, ${last.member})`;
  }
}

/** Fills `text` with a string of which so many bytes and what follows them are compared. */
export function emitText(source: TextField | MemberRead, longest: number, lines: Lines): void {
  if (source.kind === 'text-field') {
    const { absent } = FIELDS[source.field];
    if (absent !== undefined) lines.statements.push(`if (${absent})`, '\treturn 0;');
    // xcap_ifname() leaves it as it is when the device cannot be read.
    if (source.field === 'ifname') lines.statements.push('text[0] = 0;', 'text[1] = 0;');
    lines.statements.push(
      source.field === 'comm' ? 'xcap_get_current_comm(text, 16);' : 'xcap_ifname(net, text);',
    );
    return;
  }
  const last = source.hops.at(-1);
  if (last === undefined) throw new RangeError('a root is no string');
  const pointer = emitPointer(source, lines);
  // What is compared in words is written in words, the last one not always in full.
  const bytes = longest + 1;
  const clear = `text[${Math.floor((bytes - 1) / 8)}] = 0;`;
  if (source.form === 'char-array') {
    const size = Math.min(bytes, source.sizeBytes);
    lines.statements.push(
      clear,
      `if (xcap_probe_read_kernel(text, ${size}, &${pointer}->${last.member}))`,
      '\treturn 0;',
    );
    return;
  }
  const name = `s${lines.variables++}`;
  lines.statements.push(
    `const void *${name} = PROBE(${pointer}, ${last.member});`,
    `XCAP_WHERE_THERE(${name});`,
    ...zeroWords(bytes),
    `if (xcap_probe_read_kernel_str(text, ${bytes + 1}, ${name}) < 0)`,
    '\treturn 0;',
  );
}

/** The helper for strings stops at the NUL: words behind it would be read unwritten. */
function zeroWords(bytes: number): string[] {
  return Array.from({ length: Math.ceil((bytes + 1) / 8) }, (_, i) => `text[${i}] = 0;`);
}

/** The variable that the last hop reads through. */
function emitPointer(read: MemberRead, lines: Lines): string {
  const first = read.hops[0];
  const number = lines.variables++;
  let name = `p${number}`;
  const struct = `struct ${ROOT_STRUCTS[read.root]}`;
  lines.statements.push(`${struct} *${name} = ${ROOT_READS[read.root]};`);
  if (first !== undefined && read.root !== 'skb')
    lines.statements.push(`XCAP_WHERE_THERE(${name});`);
  read.hops.forEach((hop, i) => {
    const accessor = hop.typed ? 'READ' : 'PROBE';
    if (hop.struct === ROOT_STRUCTS.sk && !hop.member.startsWith(`${SOCK_COMMON}.`)) {
      lines.statements.push(`XCAP_WHERE_FULL_SOCK(${reader(read, i)}, ${name});`);
    }
    const next = read.hops[i + 1];
    if (next === undefined) return;
    const pointer = `p${lines.variables++}`;
    lines.statements.push(
      `${next.keyword} ${next.struct} *${pointer} = ${accessor}(${name}, ${hop.member});`,
      `XCAP_WHERE_THERE(${pointer});`,
    );
    name = pointer;
  });
  return name;
}

/** The accessor that suits the pointer at hop `i`, whatever the hop itself reads. */
function reader(read: MemberRead, i: number): 'READ' | 'PROBE' {
  const known = read.root !== 'dev' && read.hops.slice(0, i).every((hop) => hop.typed);
  return known ? 'READ' : 'PROBE';
}
