import type { Btf } from '../btf/btf.ts';
import { BtfError } from '../btf/error.ts';
import { functionOf, type BtfFunction } from '../btf/functions.ts';
import { baseName, type FunctionSymbol } from '../kernel/find-functions.ts';
import type { KernelView } from '../kernel/view.ts';
import type { Carrier } from './resolved.ts';

/** What hooking functions needs to know of a kernel. */
export type FunctionKernel = Pick<
  KernelView,
  | 'arch'
  | 'registers'
  | 'btf'
  | 'modules'
  | 'features'
  | 'symbols'
  | 'traceable'
  | 'loadedModules'
  | 'loadableModules'
  | 'memory'
>;

/** A function as BTF has it. */
export interface DescribedFunction {
  readonly btf: Btf;
  readonly module: string | undefined;
  readonly proto: BtfFunction;
}

/** A function's code, as kallsyms has it. */
export interface FunctionCode {
  /** Several where static functions share a name. */
  readonly symbols: readonly FunctionSymbol[];
  /** What a compiler made of it with other arguments: `NAME.isra.0`. */
  readonly twins: readonly string[];
}

/** What is known of a function by that name: any of these can be missing. */
export interface FunctionFacts extends FunctionCode {
  readonly described: DescribedFunction | undefined;
}

/** A function, and the argument that leads to its packet. */
export type FoundFunction = FunctionFacts & { readonly carrier: Carrier };

/** The code of functions by name; all are looked for at once: kallsyms takes as long for one. */
export function locateFunctions(
  { symbols }: Pick<FunctionKernel, 'symbols'>,
  names: ReadonlySet<string>,
): (name: string) => FunctionCode {
  if (names.size === 0) return () => ({ symbols: [], twins: [] });
  const found = symbols.find(names);
  const twins = new Map<string, string[]>();
  for (const each of found.keys()) {
    const base = baseName(each);
    if (each === base || each.endsWith('.cold')) continue;
    const known = twins.get(base);
    if (known === undefined) twins.set(base, [each]);
    else known.push(each);
  }
  return (name) => ({ symbols: found.get(name) ?? [], twins: twins.get(name) ?? [] });
}

/** All that the kernel says of a function. @param locate knows the code of that name */
export function findFunction(
  kernel: FunctionKernel,
  name: string,
  locate: (name: string) => FunctionCode,
): FunctionFacts {
  const code = locate(name);
  return { ...code, described: describeFunction(kernel, name, code.symbols[0]?.module) };
}

/** Why there is nothing of that name to hook; undefined when there is. */
export function obstacle(
  name: string,
  { symbols, twins }: FunctionCode,
  { traceable }: Pick<FunctionKernel, 'traceable'>,
): 'renamed' | 'inlined' | 'untraceable' | undefined {
  if (symbols.length === 0) return twins.length > 0 ? 'renamed' : 'inlined';
  return traceable.allows(name) ? undefined : 'untraceable';
}

/** @param module where kallsyms has it: it may have a namesake elsewhere */
function describeFunction(
  kernel: Pick<FunctionKernel, 'btf' | 'modules'>,
  name: string,
  module: string | undefined,
): DescribedFunction | undefined {
  try {
    const btf = module === undefined ? kernel.btf : kernel.modules.get(module);
    if (btf === undefined) return undefined;
    for (const id of btf.findTypes('func', name)) {
      // Split BTF looks in its base too.
      if (id >= btf.firstId) return { btf, module, proto: functionOf(btf, id) };
    }
  } catch (error) {
    // A module with broken BTF is one without.
    if (!(error instanceof BtfError)) throw error;
  }
  return undefined;
}

/** `(skb, dev)` */
export function signature({ proto }: DescribedFunction): string {
  return `(${proto.params.map(({ name }) => name).join(', ')}${proto.variadic ? ', ...' : ''})`;
}
