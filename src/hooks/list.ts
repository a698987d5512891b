import { XcapError } from '../errors.ts';
import { BPF_PROG_TYPE, type BpfProgramFacts, type BpfPrograms } from '../kernel/bpf-programs.ts';
import type { FileReader } from '../kernel/reader.ts';
import type { XdpDevice } from '../kernel/xdp-devices.ts';
import { eventCategories } from '../kernel/trace-events.ts';
import { LOGICAL_HOOKS } from './catalogue.ts';
import { cheapestBackend } from './function.ts';
import { obstacle, type FoundFunction, type FunctionKernel } from './function-facts.ts';
import { packetFunctions, withCode, type PacketFunction } from './packet-functions.ts';
import { parseHooks, patternMatcher } from './parse.ts';
import { PROFILES, type Profile } from './profiles.ts';
import { resolveHooks } from './resolve.ts';
import { backendName, type Carrier } from './resolved.ts';
import { packetTracepoints, tracepointBackend } from './tracepoint.ts';

/** A name for --hook, and what becomes of it on this kernel. */
export interface HookRow {
  readonly name: string;
  /** How it is hooked; undefined when it cannot be. */
  readonly backend: string | undefined;
  /** Where the packet is, or why it cannot be hooked. */
  readonly note: string;
}

/**
 * What --hook can name on this kernel: logical hooks, tracepoints and functions with a packet or a
 * socket.
 *
 * @param pattern `tcp_*`, or a name; undefined lists all that can be hooked, and nothing else
 */
export function listHooks(
  kernel: FunctionKernel,
  reader: FileReader,
  pattern: string | undefined,
  xdp?: XdpPlaces,
): readonly HookRow[] {
  const matches = pattern === undefined ? (): boolean => true : patternMatcher(pattern);
  return [
    ...logicalRows(kernel, reader, pattern !== undefined).filter(({ name }) => matches(name)),
    ...PROFILES.map(profileRow).filter(({ name }) => matches(name)),
    ...(xdp === undefined ? [] : xdpRows(kernel, xdp, pattern !== undefined)).filter(({ name }) =>
      matches(name),
    ),
    ...tracepointRows(kernel, reader).filter(({ name }) => matches(name)),
    ...functionRows(kernel, matches, pattern !== undefined),
  ];
}

function logicalRows(
  kernel: FunctionKernel,
  reader: FileReader,
  explain: boolean,
): readonly HookRow[] {
  const options = { reader, assumeAble: false, backend: undefined, exclude: [] };
  return LOGICAL_HOOKS.flatMap(({ id, summary }): HookRow[] => {
    try {
      const limits = { maxHooks: undefined, skip: undefined };
      const hooks = resolveHooks(parseHooks([id]), kernel, { ...options, ...limits });
      const backends = [...new Set(hooks.map(({ backend }) => backendName(backend)))];
      const places = hooks.map(({ place }) => place).join(' and ');
      return [{ name: id, backend: backends.join(' and '), note: `${places}: ${summary}` }];
    } catch (error) {
      if (!(error instanceof XcapError)) throw error;
      return explain ? [{ name: id, backend: undefined, note: error.message }] : [];
    }
  });
}

function profileRow({ name, summary, hooks }: Profile): HookRow {
  return { name: `profile:${name}`, backend: 'several', note: `${summary}: ${hooks.join(' ')}` };
}

/** What XDP hooks can be of, asked when it is listed. */
export interface XdpPlaces {
  readonly programs: BpfPrograms;
  readonly devices: () => readonly XdpDevice[];
}

function xdpRows(
  kernel: FunctionKernel,
  { programs, devices }: XdpPlaces,
  explain: boolean,
): readonly HookRow[] {
  const anywhere = kernel.features.has('xdp-dispatcher');
  const known = programs.ofType(BPF_PROG_TYPE.xdp);
  const row = (name: string, of: readonly BpfProgramFacts[]): readonly HookRow[] => {
    const note = of.map(({ id, name }) => `XDP program ${id} (${name})`).join(' and ');
    if (anywhere || of.every(({ functionId }) => functionId !== undefined)) {
      return [{ name, backend: 'fentry and fexit', note }];
    }
    return explain ? [{ name, backend: undefined, note: `${note}: it has no BTF` }] : [];
  };
  return [
    ...devices().flatMap(({ name, programs: ids }) => {
      const of = known.filter(({ id }) => ids.includes(id));
      return of.length === 0 ? [] : row(`xdp:${name}`, of);
    }),
    ...known.flatMap((program) => row(`xdp:${program.id}`, [program])),
  ];
}

function tracepointRows(kernel: FunctionKernel, reader: FileReader): readonly HookRow[] {
  const backend = backendName(tracepointBackend(kernel.features, false));
  const rows = [...packetTracepoints(kernel)].map(({ name, carrier }): HookRow => {
    // Tracepoints without an event in tracefs have no category: any is taken.
    const [category = 'any'] = eventCategories(reader, name);
    return { name: `tracepoint:${category}:${name}`, backend, note: describe(carrier) };
  });
  return rows.sort(byName);
}

function functionRows(
  kernel: FunctionKernel,
  matches: (name: string) => boolean,
  explain: boolean,
): readonly HookRow[] {
  const functions = [...packetFunctions(kernel, matches, { untraceable: true })];
  const rows = withCode(functions, kernel).flatMap((found): HookRow[] => {
    const { name, described, carrier } = found;
    const { backend, why = '' } = howHooked(found, kernel);
    if (backend === undefined) return explain ? [{ name, backend, note: why }] : [];
    const module = described.module === undefined ? '' : ` [${described.module}]`;
    return [{ name, backend: backendName(backend), note: `${describe(carrier)}${module}` }];
  });
  return rows.sort(byName);
}

const byName = (a: HookRow, b: HookRow): number => (a.name < b.name ? -1 : 1);

/** Its backend, or why it has none. */
function howHooked(
  found: PacketFunction & FoundFunction,
  kernel: FunctionKernel,
): ReturnType<typeof cheapestBackend> {
  switch (obstacle(found.name, found, kernel)) {
    case 'renamed':
      return { why: `compiled as ${found.twins.join(', ')}` };
    case 'inlined':
      return { why: 'inlined' };
    case 'untraceable':
      return { why: 'the kernel does not let it be traced' };
    case undefined:
      return cheapestBackend(found, kernel);
  }
}

/** `struct sk_buff *skb, argument 1` */
function describe({ kind, struct, name, number }: Carrier): string {
  const stars = kind === 'skb-pointer' ? '**' : '*';
  const member = kind === 'skb-member' ? ': its skb' : '';
  return `struct ${struct} ${stars}${name}, argument ${number}${member}`;
}
