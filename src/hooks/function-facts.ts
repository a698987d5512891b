import type { Btf } from '../btf/btf.ts';
import { BtfError } from '../btf/error.ts';
import { functionOf, type BtfFunction } from '../btf/functions.ts';
import type { FunctionSymbol } from '../kernel/kallsyms.ts';
import type { KernelView } from '../kernel/view.ts';

/** What hooking functions needs to know of a kernel. */
export type FunctionKernel = Pick<
  KernelView,
  | 'arch'
  | 'btf'
  | 'modules'
  | 'features'
  | 'symbols'
  | 'traceable'
  | 'loadedModules'
  | 'loadableModules'
>;

/** A function as BTF has it. */
export interface DescribedFunction {
  readonly btf: Btf;
  readonly module: string | undefined;
  readonly proto: BtfFunction;
}

/** What is known of a function by that name: any of these can be missing. */
export interface FunctionFacts {
  readonly described: DescribedFunction | undefined;
  /** Its code; several where static functions share a name. */
  readonly symbols: readonly FunctionSymbol[];
  /** What a compiler made of it with other arguments: `NAME.isra.0`. */
  readonly twins: readonly string[];
}

/** Looks a function up wherever the kernel names functions. */
export function findFunction(kernel: FunctionKernel, name: string): FunctionFacts {
  const prefix = `${name}.`;
  const found = kernel.symbols.find((each) => each === name || each.startsWith(prefix));
  const symbols = found.get(name) ?? [];
  return {
    described: describeFunction(kernel, name, symbols[0]?.module),
    symbols,
    twins: [...found.keys()].filter((each) => each !== name && !each.endsWith('.cold')),
  };
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
