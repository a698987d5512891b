import { funcProto, typedefId } from '../btf/functions.ts';
import type { Btf } from '../btf/btf.ts';
import { UnsupportedError, UsageError } from '../errors.ts';
import { nearest } from '../util/nearest.ts';
import { HOOKS } from './catalogue.ts';
import type { HookSpec, ResolvedHook, TracepointMode } from './spec.ts';

/** Hook names that product.md promises and that are not there yet, by their form. */
const LATER =
  /^(consume|all|(xdp|xdpmap|tracepoint|kprobe|kretprobe|fentry|fexit|uprobe|mbuf|bpf):.*|afxdp(:[rt]x)?)$/;

/**
 * The specs of `names`, each once, in the order given.
 *
 * @throws UsageError for a name that is no hook, with the nearest ones
 */
export function findHooks(names: readonly string[]): readonly HookSpec[] {
  const found = new Set<HookSpec>();
  for (const name of names) {
    const spec = HOOKS.find((hook) => hook.id === name || hook.aliases.includes(name));
    if (spec === undefined) throw unknownHook(name);
    found.add(spec);
  }
  return [...found];
}

function unknownHook(name: string): UsageError {
  if (LATER.test(name)) return new UsageError(`choosing hooks: ${name}: not yet`);
  const known = HOOKS.flatMap((hook) => [hook.id, ...hook.aliases]);
  const close = nearest(name, known);
  return new UsageError(`choosing hooks: ${name}: no such hook`, {
    hint: `${close.length > 0 ? `did you mean ${close.join(' or ')}? ` : ''}hooks are ${known.join(', ')}`,
  });
}

/** The place of a hook among those of a run. @throws UsageError when it is not among them */
export function hookIndex(specs: readonly HookSpec[], name: string): number {
  const [spec] = findHooks([name]);
  const index = specs.findIndex((each) => each === spec);
  if (index >= 0) return index;
  throw new UsageError(`choosing hooks: ${name}: not traced in this run`, {
    hint: `hooks of this run are ${specs.map(({ id }) => id).join(', ')}; --hook chooses them`,
  });
}

/** The hook on the kernel whose BTF this is. @throws UnsupportedError */
export function resolveHook(spec: HookSpec, btf: Btf, mode: TracepointMode): ResolvedHook {
  const name = `${spec.category}:${spec.tracepoint}`;
  // __traceiter_NAME(void *__data, ...) has the parameters' names; btf_trace_NAME only their types.
  const prototype = funcProto(btf, `__traceiter_${spec.tracepoint}`);
  const attachBtfId = typedefId(btf, `btf_trace_${spec.tracepoint}`);
  if (prototype === undefined || attachBtfId === undefined) {
    throw new UnsupportedError(`hooking ${spec.id}: tracepoint ${name}: not in this kernel's BTF`);
  }
  const parameters = prototype.params.slice(1).map((parameter) => parameter.name);
  const argumentIndexes: Record<string, number> = {};
  for (const argument of spec.arguments) {
    const index = parameters.indexOf(argument.name);
    if (index >= 0) argumentIndexes[argument.define] = index;
    else if (!argument.optional) {
      throw new UnsupportedError(
        `hooking ${spec.id}: tracepoint ${name}: has no argument ${argument.name}`,
      );
    }
  }
  return { spec, mode, attachBtfId, argumentIndexes };
}

/** As the banner and if_description name it: `skb:kfree_skb, BTF-typed`. */
export function describeAttachPoint({ spec, mode }: ResolvedHook): string {
  return `${spec.category}:${spec.tracepoint}, ${mode === 'btf-typed' ? 'BTF-typed' : 'raw'}`;
}
