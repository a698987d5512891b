import { callbackOf } from '../abi/maps.ts';
import type { ResolvedHook, Tracker } from '../hooks/resolved.ts';
import { isLast } from '../hooks/trackers.ts';
import type { PtRegs } from '../kernel/pt-regs.ts';
import { flag } from './flag.ts';
import { emitSharedBody, emitWords, sharedProgram } from './cookie.ts';
import type { ValueOf } from './run-values.ts';
import { argumentWord, emitArgument, type UnitKind } from './unit-kind.ts';

/** Some of them have frames as a zero-copy socket describes them. */
export const hasDescriptors = (hooks: readonly ResolvedHook[]): boolean =>
  hooks.some(({ arguments: { carrier } }) => carrier.struct === 'xsk_buff_pool');

/** Packets that have no headers yet can come by: their headers are made up. */
export function seesBare({
  arguments: of,
  direction,
  atData,
  destructor,
  xdp,
}: ResolvedHook): boolean {
  // A way that all packets go, from or to a device, is behind their headers.
  const behind = direction !== undefined || atData || destructor !== undefined;
  return of.carrier.kind === 'sock' || (of.bare === true && !behind && xdp === undefined);
}

/** The functions of one text, and which of them each hook is loaded from. */
export interface HookFunctions {
  readonly text: string;
  readonly names: readonly string[];
  /** By hook, in the order given. */
  readonly nameOf: readonly string[];
}

/**
 * Writes a function for each different way that these hooks, all of one kind, are given what they
 * trace, or where there are many ways one that the kernel tells of them. Each hook is loaded from one of
 * them with its own number: see HOOK_PLACEHOLDER of abi/maps.ts.
 *
 * @param prefix makes the names unique among several texts
 * @param share hooks may have a program with hooks that are given their packets in other ways
 */
export function emitHookFunctions(
  hooks: readonly ResolvedHook[],
  kind: UnitKind,
  prefix: string,
  regs: PtRegs | undefined,
  valueOf: ValueOf,
  { share }: { readonly share: boolean } = { share: true },
): HookFunctions {
  const functions = new Map<string, { readonly name: string; readonly each: string | undefined }>();
  const own = hooks.map((hook) => emitBody(hook, kind, regs, valueOf).join('\n'));
  const programs = hooks.map((hook) => (share ? sharedProgram(hook, seesBare(hook)) : undefined));
  const shared = new Map(manyWays(programs, own).map((by) => [by, emitSharedBody(by)]));
  const nameOf = hooks.map((hook, i) => {
    const body = shared.get(programs[i] ?? '') ?? own[i] ?? '';
    const { name } = functions.get(body) ?? { name: `${prefix}${functions.size}` };
    functions.set(body, { name, each: emitEach(hook)?.join('\n') });
    return name;
  });
  const texts = [...functions].flatMap(([body, { name, each }]) => [
    `int ${name}(u64 *ctx)\n{\n${body}\n}\n`,
    each === undefined ? [] : `int ${callbackOf(name)}(XCAP_TWO given)\n{\n${each}\n}\n`,
  ]);
  return {
    text: [...(shared.size === 0 ? [] : [emitWords(registers(regs))]), ...texts.flat()].join('\n'),
    names: [...functions.values()].flatMap(({ name, each }) =>
      each === undefined ? [name] : [name, callbackOf(name)],
    ),
    nameOf,
  };
}

/** More are compiled, verified and attached for longer than what one for all takes at each event. */
const OWN_PROGRAMS = 2;

/** Those of sharedProgram(), by hook, that serve so many different bodies. */
function manyWays(
  programs: readonly (string | undefined)[],
  bodies: readonly string[],
): readonly string[] {
  const ways = new Map<string, Set<string>>();
  programs.forEach((by, i) => {
    if (by !== undefined) ways.set(by, (ways.get(by) ?? new Set()).add(bodies[i] ?? ''));
  });
  return [...ways].flatMap(([by, { size }]) => (size > OWN_PROGRAMS ? [by] : []));
}

const DIRECTIONS = {
  inbound: 'XCAP_DIRECTION_IN',
  outbound: 'XCAP_DIRECTION_OUT',
  any: 'XCAP_DIRECTION_ANY',
} as const;

function emitBody(
  hook: ResolvedHook,
  kind: UnitKind,
  regs: PtRegs | undefined,
  valueOf: ValueOf,
): string[] {
  const own = hook.cookie ? 'xcap_get_attach_cookie(ctx)' : 'XCAP_OWN_HOOK';
  const argument = (slot: number): string => emitArgument(kind, slot, regs);
  if (hook.arguments.carrier.kind === 'xsk-batch') return emitBatch(hook);
  if (hook.tracker !== undefined) return emitTracker(hook.tracker, hook, argument);
  if (hook.part === 'return') return emitReturn(hook, own, regs).map((line) => `\t${line}`);
  const waits = hook.part === 'entry';
  return [
    'struct xcap_hit hit = {',
    '\t.ctx = ctx,',
    ...(hook.cookie ? [`\t.hook = ${own},`, '\t.by_cookie = 1,'] : []),
    `\t.direction = ${DIRECTIONS[hook.direction ?? 'any']},`,
    `\t.at_data = ${flag(hook.atData)},`,
    ...(seesBare(hook) ? ['\t.synth = 1,'] : []),
    ...(isLast(hook) ? ['\t.ends = 1,'] : []),
    ...(hook.followsOnly === true ? ['\t.follows = 1,'] : []),
    ...(waits ? ['\t.until_return = 1,', `\t.frame = ${emitFrame(hook, regs)},`] : []),
    '};',
    '',
    ...(waits ? ['xcap_forget(&hit);'] : []),
    ...(kind === 'xdp' ? emitXdpProgram() : emitSubject(hook, kind, regs, valueOf)),
  ].map((line) => (line === '' ? '' : `\t${line}`));
}

/**
 * An XDP program's context is the xdp_buff: accesses to struct xdp_md are rewritten when it is
 * loaded, and a probe read goes to the real thing. Whatever comes of the event, the program returns
 * the verdict that it was called for.
 */
function emitXdpProgram(): string[] {
  return [
    '__builtin_assume(ctx != 0);',
    'hit.xdp = (void *)ctx;',
    'hit.ret = XCAP_OWN_RETURN;',
    'hit.returned = 1;',
    'xcap_capture(&hit);',
    'return XCAP_OWN_RETURN;',
  ];
}

function emitTracker(
  tracker: Tracker,
  { arguments: { carrier } }: ResolvedHook,
  argument: (slot: number) => string,
): string[] {
  const skb = argument(carrier.slot);
  switch (tracker.does) {
    case 'end':
      return [`\treturn xcap_track_end(${skb});`];
    case 'copy':
      return [`\treturn xcap_track_copy(${skb}, ${argument(tracker.from)});`];
    case 'slab':
      return [`\treturn xcap_track_slab(${skb}, (void *)${argument(tracker.cache)});`];
  }
}

/** The kernel calls emitEach() for each descriptor: no bound on how many, and one body to verify. */
function emitBatch({ arguments: { carrier } }: ResolvedHook): string[] {
  return [`\txcap_each_of_batch(ctx, ${carrier.slot}, XCAP_CALLBACK);`, '\treturn 0;'];
}

function emitEach({ arguments: { carrier }, direction }: ResolvedHook): string[] | undefined {
  if (carrier.kind !== 'xsk-batch') return undefined;
  return [
    'const struct xcap_batch *batch = XCAP_SECOND(given);',
    'struct xcap_hit hit = {',
    '\t.ctx = batch->ctx,',
    `\t.direction = ${DIRECTIONS[direction ?? 'any']},`,
    '\t.xdp = (void *)batch->pool,',
    '\t.descriptor = batch->descriptors + XCAP_FIRST(given),',
    '};',
    '',
    'return xcap_capture(&hit);',
  ].map((line) => (line === '' ? '' : `\t${line}`));
}

/** What an activation of a function is known by, the same at its entry and at its return. */
function emitFrame({ backend }: ResolvedHook, regs: PtRegs | undefined): string {
  if (backend !== 'kprobe' && backend !== 'kretprobe') return 'xcap_frame(ctx)';
  const { stackOffset, poppedByReturn } = registers(regs);
  const popped = backend === 'kretprobe' ? poppedByReturn : 0;
  return `ctx[${stackOffset / 8}]${popped === 0 ? '' : ` - ${popped}`}`;
}

/** Sends what was captured at the entry, with the value returned. */
function emitReturn(hook: ResolvedHook, own: string, regs: PtRegs | undefined): string[] {
  const { backend, returns, returnSlot } = hook;
  const frame = emitFrame(hook, regs);
  const value = (): string => {
    if (backend === 'kretprobe') return `ctx[${registers(regs).returnOffset / 8}]`;
    return returnSlot === undefined ? 'xcap_func_ret(ctx)' : `ctx[${returnSlot}]`;
  };
  return returns === undefined
    ? [`return xcap_returned(${own}, ${frame}, 0, 0);`]
    : [`return xcap_returned(${own}, ${frame}, ${value()}, 1);`];
}

function registers(regs: PtRegs | undefined): PtRegs {
  if (regs === undefined) throw new RangeError('the registers are not known');
  return regs;
}

/** Takes packet or socket out of the arguments, and captures it. */
function emitSubject(
  hook: ResolvedHook,
  kind: UnitKind,
  regs: PtRegs | undefined,
  valueOf: ValueOf,
): string[] {
  const argument = (slot: number): string => emitArgument(kind, slot, regs);
  const emitLater = (field: string, slot: number | undefined): string[] =>
    slot === undefined ? [] : [`hit.${field}_at = ${1 + argumentWord(kind, slot, regs)};`];
  const { carrier, certain, location, reason, rxSk, owner, message } = hook.arguments;
  const address = argument(carrier.slot);
  switch (carrier.kind) {
    case 'sock':
      return [
        'hit.socket = 1;',
        `hit.rx_sk = (void *)${address};`,
        ...(message === undefined ? [] : [`hit.msg = (void *)${argument(message)};`]),
        'return xcap_capture_socket(&hit);',
      ];
    case 'xdp':
      return [
        `hit.xdp = (void *)${address};`,
        ...(certain ? [] : ['if (!hit.xdp)', '\treturn xcap_no_packet(&hit);']),
        ...(owner === undefined ? [] : [`hit.owner = (void *)${argument(owner)};`]),
        ...emitRun(hook, argument, valueOf),
      ];
    case 'xsk':
      return emitDescriptor(hook, address, argument);
    case 'xsk-batch':
      throw new RangeError('a batch is not one packet');
    case 'skb':
    case 'skb-pointer':
    case 'skb-member':
      return [
        ...(carrier.kind === 'skb'
          ? [
              `hit.given = (struct sk_buff *)${address};`,
              'hit.is_given = 1;',
              'hit.skb = XCAP_GIVEN(hit.given);',
            ]
          : [`hit.skb = xcap_pointer_at(${address} + ${carrier.offset});`]),
        ...(certain
          ? []
          : [
              `if (!hit.${carrier.kind === 'skb' ? 'given' : 'skb'})`,
              '\treturn xcap_no_packet(&hit);',
            ]),
        ...(hook.destructor === undefined
          ? []
          : [
              `if ((u64)READ(hit.skb, destructor) != ${valueOf(hook.destructor, `destructor ${hook.id}`)})`,
              '\treturn 0;',
            ]),
        ...emitLater('location', location),
        ...emitLater('reason', reason),
        ...emitLater('rx_sk', rxSk),
        ...emitRun(hook, argument, valueOf),
      ];
  }
}

/** What xsk_tx_peek_desc() has written, where it says that there is something. */
function emitDescriptor(
  { returnSlot, arguments: { descriptor, butBatches } }: ResolvedHook,
  pool: string,
  argument: (slot: number) => string,
): string[] {
  return [
    `if (!(u8)${returnSlot === undefined ? 'xcap_func_ret(ctx)' : `ctx[${returnSlot}]`})`,
    '\treturn 0;',
    `hit.xdp = (void *)${pool};`,
    `hit.descriptor = (void *)${argument(descriptor ?? 0)};`,
    ...(butBatches === true
      ? ['if (xcap_in_batch((u64)hit.xdp, (u64)hit.descriptor))', '\treturn 0;']
      : []),
    'return xcap_capture(&hit);',
  ];
}

/** At one end of the run of a BPF program: is it one of the hook's, and what became of the packet. */
function emitRun(
  { xdp, backend, program }: ResolvedHook,
  argument: (slot: number) => string,
  valueOf: ValueOf,
): string[] {
  if (xdp === undefined) return ['return xcap_capture(&hit);'];
  const { of, device, ranProgram, pair } = xdp;
  const insns = ranProgram && `${argument(INSNS)}, ${ranProgram.insnsOffset}`;
  const exit = backend === 'fexit';
  return [
    ...(device === undefined
      ? []
      : [
          `if (!xcap_xdp_from(hit.xdp, ${valueOf(device.ifindex, `device ${of}`)}, ${valueOf(device.netns, `netns ${of}`)}))`,
          '\treturn 0;',
        ]),
    ...(insns === undefined
      ? []
      : [
          ranProgram?.id === undefined
            ? `if (!xcap_xdp_program_is_devices(${insns}))`
            : `if (!xcap_xdp_program_is(${insns}, ${valueOf(ranProgram.id, `program ${of}`)}))`,
          '\treturn 0;',
        ]),
    ...(exit
      ? [
          // Behind the only argument of a program, its context.
          `hit.ret = (u32)${program === undefined ? 'xcap_func_ret(ctx)' : 'ctx[1]'};`,
          'hit.returned = 1;',
          ...(insns === undefined
            ? []
            : ['#if XCAP_RULES', `hit.program = xcap_xdp_program_id(${insns});`, '#endif']),
        ]
      : []),
    pair === undefined
      ? 'return xcap_capture(&hit);'
      : `return xcap_capture_${exit ? 'exit' : 'entry'}(&hit, ${pair});`,
  ];
}

/** Which argument of bpf_dispatcher_xdp_func() are the program's instructions. */
const INSNS = 1;
