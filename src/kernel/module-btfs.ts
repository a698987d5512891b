import { Btf } from '../btf/btf.ts';
import type { FileReader } from './reader.ts';

const FOLDER = '/sys/kernel/btf';

/** BTF of the loaded modules, read when asked for. Kernels before 5.11 have none. */
export class ModuleBtfs {
  readonly #reader: FileReader;
  readonly #base: () => Btf;
  readonly #read = new Map<string, Btf>();

  /** @param base gives the kernel's own BTF, which the modules' continue */
  constructor(reader: FileReader, base: () => Btf) {
    this.#reader = reader;
    this.#base = base;
  }

  /** Modules that have BTF now, sorted. */
  names(): readonly string[] {
    const names = this.#reader.readDir(FOLDER) ?? [];
    return names.filter((name) => name !== 'vmlinux').sort();
  }

  /** Undefined when that module is not loaded or has no BTF; throws BtfError when it is not sound. */
  get(name: string): Btf | undefined {
    const known = this.#read.get(name);
    if (known !== undefined) return known;
    const bytes = this.#reader.readFile(`${FOLDER}/${name}`);
    if (bytes === undefined) return undefined;
    const btf = Btf.parse(bytes, this.#base());
    this.#read.set(name, btf);
    return btf;
  }

  /** Lets go of all BTF; it is read again when asked for. */
  forget(): void {
    this.#read.clear();
  }
}
