import { type FileReader, readText } from './reader.ts';

/** What /proc/modules tells of one that is loaded: what does not change while it stays. */
export interface LoadedModule {
  readonly name: string;
  /** Decimal, as the kernel writes it. */
  readonly bytes: string;
  /** Hexadecimal; 0x0000000000000000 to those who may not see it. */
  readonly address: string;
}

/** The modules that are loaded now, newest first; none where the kernel takes no modules. */
export function loadedModules(reader: FileReader): readonly LoadedModule[] {
  const text = readText(reader, '/proc/modules') ?? '';
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => {
    // nf_tables 380928 541 nft_compat,nft_fib, Live 0xffffffffc0a5e000
    const [name = '', bytes = '', , , , address = ''] = line.split(' ');
    return { name, bytes, address };
  });
}
