import { UsageError } from '../errors.ts';
import { nearest } from '../util/nearest.ts';
import { LOGICAL_HOOKS } from './catalogue.ts';
import type { HookSpec } from './spec.ts';

/** Hook names that are promised and not there yet, by their form. */
const LATER =
  /^(all|(xdp|xdpmap|kprobe|kretprobe|fentry|fexit|uprobe|mbuf|bpf):.*|afxdp(:[rt]x)?)$/;

/**
 * The hooks that `names` stand for, each once, in the order given.
 *
 * @throws UsageError for a name of no known form, with the nearest ones
 */
export function parseHooks(names: readonly string[]): readonly HookSpec[] {
  const found = new Map<string, HookSpec>();
  for (const name of names) {
    const spec = parseHook(name);
    if (!found.has(spec.id)) found.set(spec.id, spec);
  }
  return [...found.values()];
}

function parseHook(name: string): HookSpec {
  const hook = LOGICAL_HOOKS.find(({ id, aliases }) => id === name || aliases.includes(name));
  if (hook !== undefined) return { kind: 'logical', id: hook.id, hook };
  if (name.startsWith('tracepoint:')) return parseTracepoint(name);
  if (LATER.test(name)) throw new UsageError(`choosing hooks: ${name}: not yet`);
  throw unknownHook(name);
}

function parseTracepoint(typed: string): HookSpec {
  const [, category, name] = /^tracepoint:(\w+):(\w+)$/.exec(typed) ?? [];
  if (category !== undefined && name !== undefined) {
    return { kind: 'tracepoint', id: typed, category, name };
  }
  throw new UsageError(`choosing hooks: ${typed}: no name of a tracepoint`, {
    hint: 'tracepoint:CATEGORY:NAME, for example tracepoint:net:netif_rx',
  });
}

function unknownHook(name: string): UsageError {
  const known = LOGICAL_HOOKS.flatMap((hook) => [hook.id, ...hook.aliases]);
  const close = nearest(name, known);
  return new UsageError(`choosing hooks: ${name}: no such hook`, {
    hint: `${close.length > 0 ? `did you mean ${close.join(' or ')}? ` : ''}hooks are ${known.join(', ')}, tracepoint:CATEGORY:NAME`,
  });
}
