import koffi from 'koffi';
import { RuntimeError } from '../errors.ts';
import { loadLibrary, viewOf } from './library.ts';

/** What xcap uses of libbcc (src/cc/libbpf.h, bpf_module.h): only the C compiler, never its loader. */
export interface Libbcc {
  /**
   * Compiles one C text to BPF; diagnostics go to the process's standard error.
   *
   * @returns for each name of `functions`, its instructions (8 bytes each), copied
   * @throws RuntimeError when clang refuses the text or a function is missing
   */
  compile(text: string, functions: readonly string[], cflags: readonly string[]): Uint8Array[];
}

/** @throws UnsupportedError when libbcc is not installed */
export function openLibbcc(): Libbcc {
  const library = loadLibrary(
    ['libbcc.so.0'],
    'compiling the BPF program',
    'install it: apt-get install libbpfcc',
  );
  const create = library.func(
    'void *bpf_module_create_c_from_string(const char *text, unsigned int flags, const char **cflags, int ncflags, bool allow_rlimit, const char *dev_name)',
  ) as (
    text: string,
    flags: number,
    cflags: readonly string[],
    count: number,
    allowRlimit: boolean,
    device: null,
  ) => bigint | null;
  const start = library.func('uint64_t bpf_function_start(void *program, const char *name)') as (
    module: bigint,
    name: string,
  ) => number | bigint;
  const size = library.func('size_t bpf_function_size(void *program, const char *name)') as (
    module: bigint,
    name: string,
  ) => number | bigint;

  return {
    compile(text, functions, cflags) {
      const module = create(text, 0, cflags, cflags.length, false, null);
      if (module === null || module === 0n) {
        throw new RuntimeError('compiling the BPF program: libbcc: clang refused the generated C');
      }
      return functions.map((name) => {
        const length = Number(size(module, name));
        if (length === 0) {
          throw new RuntimeError(`compiling the BPF program: function ${name}: not in the object`);
        }
        return new Uint8Array(viewOf(BigInt(start(module, name)), length)).slice();
      });
    },
  };
}

/** Version text of libbcc's shared object, for `xcap --version`: the name it was loaded by. */
export function libbccName(): string | undefined {
  try {
    koffi.load('libbcc.so.0');
    return 'libbcc.so.0';
  } catch {
    return undefined;
  }
}
