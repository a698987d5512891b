import type { FileReader } from '../kernel/reader.ts';
import { eventCategories } from '../kernel/trace-events.ts';
import { LOGICAL_HOOKS } from './catalogue.ts';
import { FUNCTION_ORDER, hooksFunctions, NO_BACKEND, whyNot } from './function.ts';
import type { FunctionKernel } from './function-facts.ts';
import { packetFunctions, type PacketFunction } from './packet-functions.ts';
import { parseHooks, patternMatcher } from './parse.ts';
import { resolveHooks } from './resolve.ts';
import { backendName, type Carrier, type ResolvedHook } from './resolved.ts';
import { hookableTracepoints } from './tracepoint.ts';

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
): readonly HookRow[] {
  const matches = pattern === undefined ? (): boolean => true : patternMatcher(pattern);
  return [
    ...logicalRows(kernel, reader).filter(({ name }) => matches(name)),
    ...tracepointRows(kernel, reader).filter(({ name }) => matches(name)),
    ...functionRows(kernel, matches, pattern !== undefined),
  ];
}

function resolved(
  kernel: FunctionKernel,
  reader: FileReader,
  name: string,
): ResolvedHook | undefined {
  const [hook] = resolveHooks(parseHooks([name]), kernel, {
    ...{ reader, assumeAble: false, backend: undefined, exclude: [], maxHooks: undefined },
    skip: undefined,
  });
  return hook;
}

function logicalRows(kernel: FunctionKernel, reader: FileReader): readonly HookRow[] {
  return LOGICAL_HOOKS.flatMap(({ id, summary }) => {
    const hook = resolved(kernel, reader, id);
    if (hook === undefined) return [];
    return [{ name: id, backend: backendName(hook.backend), note: `${hook.place}: ${summary}` }];
  });
}

function tracepointRows(kernel: FunctionKernel, reader: FileReader): readonly HookRow[] {
  return [...hookableTracepoints(kernel)]
    .map((short): HookRow | undefined => {
      // Tracepoints without an event in tracefs have no category: any is taken.
      const [category = 'any'] = eventCategories(reader, short);
      const name = `tracepoint:${category}:${short}`;
      const hook = resolved(kernel, reader, name);
      return (
        hook && { name, backend: backendName(hook.backend), note: describe(hook.arguments.carrier) }
      );
    })
    .filter((row) => row !== undefined)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function functionRows(
  kernel: FunctionKernel,
  matches: (name: string) => boolean,
  explain: boolean,
): readonly HookRow[] {
  const functions = [...packetFunctions(kernel, matches, { untraceable: true })];
  const names = new Set(functions.map(({ name }) => name));
  const symbols = kernel.symbols.find((name) => names.has(name.split('.', 1)[0] ?? ''));
  const rows = functions.flatMap((each): HookRow[] => {
    const { described, carrier } = each;
    const name = each.name;
    const own = (symbols.get(name) ?? []).filter(({ module }) => module === described.module);
    const twins = [...symbols.keys()].filter((twin) => twin.startsWith(`${name}.`));
    const found = { described, carrier, symbols: own, twins };
    const refused = refusal(each, own.length, twins, kernel);
    const backend =
      refused === undefined
        ? FUNCTION_ORDER.find((way) => whyNot(way, found, kernel) === undefined)
        : undefined;
    if (backend !== undefined) {
      const module = described.module === undefined ? '' : ` [${described.module}]`;
      return [{ name, backend: backendName(backend), note: `${describe(carrier)}${module}` }];
    }
    const why =
      refused ?? (hooksFunctions(kernel) ? whyNot('kprobe', found, kernel) : NO_BACKEND) ?? '';
    return explain ? [{ name, backend: undefined, note: why }] : [];
  });
  return rows.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function refusal(
  { name }: PacketFunction,
  symbols: number,
  twins: readonly string[],
  { traceable }: FunctionKernel,
): string | undefined {
  if (symbols === 0) return twins.length > 0 ? `compiled as ${twins.join(', ')}` : 'inlined';
  return traceable.known && !traceable.has(name)
    ? 'the kernel does not let it be traced'
    : undefined;
}

/** `struct sk_buff *skb, argument 1` */
function describe({ kind, struct, name, number }: Carrier): string {
  const stars = kind === 'skb-pointer' ? '**' : '*';
  const member = kind === 'skb-member' ? ': its skb' : '';
  return `struct ${struct} ${stars}${name}, argument ${number}${member}`;
}
