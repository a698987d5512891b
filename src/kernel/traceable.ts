import { TRACEFS } from './trace-events.ts';
import type { FileReader } from './reader.ts';

/**
 * The functions that ftrace can stop at, of the kernel and of loaded modules: kprobes at an entry,
 * kprobe.multi and fentry all go by it. One line a function: `NAME`, or `NAME [MODULE]`.
 */
export class TraceableFunctions {
  readonly #reader: FileReader;
  #names: ReadonlySet<string> | undefined;

  constructor(reader: FileReader) {
    this.#reader = reader;
  }

  /** True too where nothing can be told: tracefs is not mounted, or the kernel has no ftrace. */
  allows(name: string): boolean {
    return this.#read().size === 0 || this.has(name);
  }

  /** It is in the list. */
  has(name: string): boolean {
    return this.#read().has(name);
  }

  #read(): ReadonlySet<string> {
    this.#names ??= new Set(
      this.#lines().map((line) => {
        const end = line.indexOf(' ');
        return end < 0 ? line : line.slice(0, end);
      }),
    );
    return this.#names;
  }

  #lines(): readonly string[] {
    for (const root of TRACEFS) {
      const bytes = this.#reader.readFile(`${root}/available_filter_functions`);
      if (bytes === undefined || bytes.length === 0) continue;
      return new TextDecoder('latin1').decode(bytes).trimEnd().split('\n');
    }
    return [];
  }
}
