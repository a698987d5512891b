import { arch, release, version } from 'node:os';
import { packageVersion } from '../util/package.ts';
import { identify } from './identity.ts';
import { sha256 } from '../util/sha256.ts';
import { CFLAGS, type CompileUnit } from './protocol.ts';
import { readStubHeaders } from './stub-headers.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Goes up when the compiler's process makes something else of the same text. */
const FORMAT = 1;

/** Variables that the dynamic linker, libbcc, clang and LLVM read. */
const COMPILER_VARIABLE = /^(LD_|BCC_|LLVM_|CCC_|CPATH$|C_INCLUDE_PATH$|GLIBC_TUNABLES$)/;

/** The dynamic linker finds libraries by this; ldconfig writes it anew when one comes or goes. */
const LINKER_CACHE = '/etc/ld.so.cache';

function compilerVariables(env: Environment): readonly string[] {
  return Object.entries(env)
    .filter(([name]) => COMPILER_VARIABLE.test(name))
    .map(([name, value]) => `${name}=${value ?? ''}`)
    .sort();
}

/**
 * Stands for all that goes into compiling these texts but the compiler's own files, which only the process that
 * loads them knows: an entry names those. What was read of the kernel's BTF is in the texts, as offsets and numbers;
 * libbcc itself looks at the kernel's release.
 */
export function objectKey(units: readonly CompileUnit[], env: Environment): string {
  return sha256(
    JSON.stringify([
      FORMAT,
      packageVersion(),
      [arch(), release(), version()],
      CFLAGS,
      readStubHeaders(),
      identify(LINKER_CACHE),
      compilerVariables(env),
      units.map(({ text, functions }) => [text, functions]),
    ]),
  );
}

/** The place of an entry: of the last object that was compiled for this question on this kernel. */
export function slotName(question: string): string {
  return sha256(JSON.stringify([packageVersion(), arch(), release(), question]));
}
