import type { ValueOf } from './run-values.ts';
import type { WhoWants } from './who.ts';

/** The metadata filters (--pid, --netns, ...) as C: only numbers of ours reach the compiler. */

/** Any of `accept`, none of `refuse`; both empty means no filter. */
export interface Matches<T> {
  readonly accept: readonly T[];
  readonly refuse: readonly T[];
}

export interface MaskedValue {
  readonly value: number;
  readonly mask: number;
}

/** -i: the device of this index in this namespace. */
export interface InterfaceMatch {
  readonly ifindex: number;
  readonly netns: number;
}

export interface CgroupMatch {
  readonly id: number;
  readonly level: number;
}

/** Metadata filters with every name resolved to what the kernel compares. */
export interface MetadataMatches {
  readonly reason: Matches<number>;
  readonly netns: Matches<number>;
  readonly interface: Matches<InterfaceMatch>;
  readonly ifname: Matches<string>;
  readonly mark: Matches<MaskedValue>;
  readonly pid: Matches<number>;
  readonly tid: Matches<number>;
  readonly uid: Matches<number>;
  readonly comm: Matches<string>;
  /** With all that is below. */
  readonly cgroup: Matches<CgroupMatch>;
}

/** Longest comm and interface name: TASK_COMM_LEN and IFNAMSIZ, each with its NUL. */
export const NAME_BYTES = 16;

const hex32 = (value: number): string => `0x${(value >>> 0).toString(16)}u`;

/** Compares 16 bytes in two words; with `prefix` only up to the NUL, as the rest is not defined. */
function nameTest(name: string, variable: string, prefix: boolean): string {
  const bytes = new Uint8Array(NAME_BYTES);
  const text = new TextEncoder().encode(name);
  if (text.length >= NAME_BYTES) throw new RangeError(`name ${name} is longer than the kernel's`);
  bytes.set(text);
  const view = new DataView(bytes.buffer);
  const significant = prefix ? text.length + 1 : NAME_BYTES;
  const tests: string[] = [];
  for (const word of [0, 1]) {
    const count = Math.min(8, significant - word * 8);
    if (count <= 0) continue;
    const mask = count === 8 ? 0xffff_ffff_ffff_ffffn : (1n << BigInt(count * 8)) - 1n;
    const value = view.getBigUint64(word * 8, true);
    const read =
      count === 8 ? `${variable}[${word}]` : `(${variable}[${word}] & 0x${mask.toString(16)}ull)`;
    tests.push(`${read} == 0x${value.toString(16)}ull`);
  }
  return `(${tests.join(' && ')})`;
}

interface Check<T> {
  readonly matches: Matches<T>;
  readonly counter: string;
  readonly prepare: readonly string[];
  readonly test: (value: T) => string;
  /** Of the running task: means nothing outside process context. */
  readonly task?: boolean;
}

function emitCheck<T>({ matches, counter, prepare, test, task = false }: Check<T>): string[] {
  if (matches.accept.length === 0 && matches.refuse.length === 0) return [];
  const lines = ['\t{', ...prepare.map((line) => `\t\t${line}`)];
  if (matches.accept.length > 0) {
    if (task) {
      lines.push(
        '\t\tif (context > XCAP_CONTEXT_PROCESS)',
        '\t\t\treturn XCAP_COUNT_REJECTED_CONTEXT;',
      );
    }
    const any = matches.accept.map(test).join(' ||\n\t\t      ');
    lines.push(`\t\tif (!(${any}))`, `\t\t\treturn ${counter};`);
  }
  if (matches.refuse.length > 0) {
    const any = matches.refuse.map(test).join(' ||\n\t\t     ');
    const guard = task ? 'context <= XCAP_CONTEXT_PROCESS && ' : '';
    lines.push(`\t\tif (${guard}(${any}))`, `\t\t\treturn ${counter};`);
  }
  return [...lines, '\t}'];
}

/** The C of metadata.gen.h: xcap_reject_metadata() gives the counter that rejects, or 0. */
export function emitMetadataHeader(
  matches: MetadataMatches,
  valueOf: ValueOf,
  who: WhoWants,
): string {
  const body = [
    ...emitCheck({
      matches: matches.reason,
      counter: 'XCAP_COUNT_REJECTED_REASON',
      prepare: [],
      test: (value) => `xcap_hit_reason(hit) == ${hex32(value)}`,
    }),
    ...emitCheck({
      matches: matches.netns,
      counter: 'XCAP_COUNT_REJECTED_NETNS',
      prepare: ['u32 netns = xcap_netns(net);', ''],
      test: (value) => `netns == ${valueOf(value)}`,
    }),
    ...emitCheck({
      matches: matches.interface,
      counter: 'XCAP_COUNT_REJECTED_INTERFACE',
      prepare: ['u32 ifindex = xcap_ifindex(net), netns = xcap_netns(net);', ''],
      test: ({ ifindex, netns }) =>
        `(ifindex == ${valueOf(ifindex)} && netns == ${valueOf(netns)})`,
    }),
    ...emitCheck({
      matches: matches.ifname,
      counter: 'XCAP_COUNT_REJECTED_INTERFACE',
      prepare: ['u64 name[2] = {};', '', 'xcap_ifname(net, name);'],
      test: (name) => nameTest(name, 'name', true),
    }),
    ...emitCheck({
      matches: matches.mark,
      counter: 'XCAP_COUNT_REJECTED_MARK',
      prepare: ['u32 mark = xcap_mark(hit);', ''],
      test: ({ value, mask }) => `(mark & ${hex32(mask)}) == ${hex32(value & mask)}`,
    }),
    ...emitCheck({
      matches: matches.cgroup,
      counter: 'XCAP_COUNT_REJECTED_CGROUP',
      prepare: ['u64 cgroup = xcap_cgroup_of(hit, xcap_socket_of(hit)).address;', ''],
      test: ({ id, level }) => `xcap_in_cgroup(cgroup, ${valueOf(level)}, ${valueOf(id)})`,
    }),
    ...emitTaskChecks(matches, valueOf, who),
  ];
  return [
    'static __always_inline u32 xcap_reject_metadata(const struct xcap_hit *hit,',
    '\t\t\t\t\t\tconst struct xcap_net *net)',
    '{',
    ...body,
    '\treturn 0;',
    '}',
    '',
  ].join('\n');
}

/** Which of two sides something is on, as C; undefined: nothing is asked. */
interface Sides {
  readonly accept: string | undefined;
  readonly refuse: string | undefined;
}

/** @param test given the value and what tells it from others of its kind */
function sidesOf<T>(matches: Matches<T>, test: (value: T, name: string) => string): Sides {
  const any = (side: keyof Matches<T>): string | undefined =>
    matches[side].length === 0
      ? undefined
      : `(${matches[side].map((value, i) => test(value, `${side} ${i}`)).join(' ||\n\t\t     ')})`;
  return { accept: any('accept'), refuse: any('refuse') };
}

/** Numbers of the processes are in a map then, on their side. */
function followedSides({ accept, refuse }: Matches<number>, variable: string): Sides {
  return {
    accept: accept.length === 0 ? undefined : `xcap_followed(${variable}) == XCAP_FOLLOW_ACCEPT`,
    refuse: refuse.length === 0 ? undefined : `xcap_followed(${variable}) == XCAP_FOLLOW_REFUSE`,
  };
}

interface EitherCheck {
  readonly counter: string;
  readonly prepare: readonly string[];
  /** Of the running task: means nothing outside process context. */
  readonly task: Sides;
  /** Of the process that has the socket, where that is known; undefined: nobody asks for it. */
  readonly owner: Sides | undefined;
}

/** Accepts what task or owner is accepted by, refuses what either is refused by. */
function emitEither({ counter, prepare, task, owner }: EitherCheck): string[] {
  if (task.accept === undefined && task.refuse === undefined) return [];
  const either = (side: keyof Sides): string =>
    [
      `(context <= XCAP_CONTEXT_PROCESS && ${task[side] ?? '0'})`,
      ...(owner === undefined ? [] : [`(owner && ${owner[side] ?? '0'})`]),
    ].join(' ||\n\t\t      ');
  const nobody = `context > XCAP_CONTEXT_PROCESS${owner === undefined ? '' : ' && !owner'}`;
  return [
    '\t{',
    ...prepare.map((line) => `\t\t${line}`),
    ...(task.accept === undefined
      ? []
      : [
          `\t\tif (${nobody})`,
          '\t\t\treturn XCAP_COUNT_REJECTED_CONTEXT;',
          `\t\tif (!(${either('accept')}))`,
          `\t\t\treturn ${counter};`,
        ]),
    ...(task.refuse === undefined
      ? []
      : [`\t\tif (${either('refuse')})`, `\t\t\treturn ${counter};`]),
    '\t}',
  ];
}

function emitTaskChecks(matches: MetadataMatches, valueOf: ValueOf, who: WhoWants): string[] {
  const pidSides = (variable: string): Sides =>
    who.follow
      ? followedSides(matches.pid, variable)
      : sidesOf(matches.pid, (value, name) => `${variable} == ${valueOf(value, `pid ${name}`)}`);
  const commSides = (variable: string): Sides =>
    sidesOf(matches.comm, (name) => nameTest(name, variable, false));
  const asksOwner =
    who.owner &&
    [matches.pid, matches.comm].some(({ accept, refuse }) => accept.length + refuse.length > 0);
  const checks = [
    ...emitEither({
      counter: 'XCAP_COUNT_REJECTED_PID',
      prepare: ['u32 tgid = xcap_get_current_pid_tgid() >> 32;', ''],
      task: pidSides('tgid'),
      owner: asksOwner ? pidSides('owner->tgid') : undefined,
    }),
    ...emitCheck({
      matches: matches.tid,
      counter: 'XCAP_COUNT_REJECTED_TID',
      prepare: ['u32 pid = xcap_get_current_pid_tgid();', ''],
      test: (value) => `pid == ${valueOf(value)}`,
      task: true,
    }),
    ...emitCheck({
      matches: matches.uid,
      counter: 'XCAP_COUNT_REJECTED_UID',
      prepare: ['u32 uid = xcap_get_current_uid_gid();', ''],
      test: (value) => `uid == ${hex32(value)}`,
      task: true,
    }),
    ...emitEither({
      counter: 'XCAP_COUNT_REJECTED_COMM',
      prepare: [
        'u64 comm[2] = {};',
        ...(asksOwner ? ['const u64 *owned = owner ? xcap_owner_comm(owner) : comm;'] : []),
        '',
        'xcap_get_current_comm(comm, sizeof(comm));',
      ],
      task: commSides('comm'),
      owner: asksOwner ? commSides('owned') : undefined,
    }),
  ];
  if (checks.length === 0) return [];
  return [
    '\tu32 context = xcap_context(hit->ctx);',
    ...(asksOwner
      ? ['\tconst struct xcap_owner *owner = xcap_owner_of(xcap_socket_of(hit));']
      : []),
    '',
    ...checks,
  ];
}
