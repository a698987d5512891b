import type { Btf } from '../btf/btf.ts';
import { BtfError } from '../btf/error.ts';
import type { ModuleBtfs } from '../kernel/module-btfs.ts';

/** The kernel's BTF, then that of each loaded module, with the module's name. */
export function* allBtfs(kernel: {
  readonly btf: Btf;
  readonly modules: Pick<ModuleBtfs, 'names' | 'get'>;
}): Generator<readonly [btf: Btf, module: string | undefined]> {
  yield [kernel.btf, undefined];
  for (const module of kernel.modules.names()) {
    try {
      const btf = kernel.modules.get(module);
      if (btf !== undefined) yield [btf, module];
    } catch (error) {
      // A module with broken BTF is one without.
      if (!(error instanceof BtfError)) throw error;
    }
  }
}
