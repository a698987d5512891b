import { PrivateFiles } from '../util/private-files.ts';
import type { Compiled } from './protocol.ts';

/** What was compiled once, and of what: whoever finds it has to look whether that is the same now. */
export interface CacheEntry extends Compiled {
  /** Stands for all that went into it but the compiler: see object-key.ts. */
  readonly key: string;
}

const FORM = 'xcap-object-1';

/** Compiled objects among private files. */
export class ObjectCache {
  readonly #files: PrivateFiles;

  constructor(files: PrivateFiles) {
    this.#files = files;
  }

  /** The entry of that name when it is whole. */
  get(name: string): CacheEntry | undefined {
    const text = this.#files.get(name, FORM);
    return text === undefined ? undefined : parseEntry(text);
  }

  put(name: string, entry: CacheEntry): void {
    this.#files.put(name, FORM, JSON.stringify(entry));
  }
}

function parseEntry(text: string): CacheEntry | undefined {
  try {
    const entry = JSON.parse(text) as Partial<CacheEntry>;
    const { key, compiler, insns } = entry;
    if (typeof key !== 'string' || !Array.isArray(compiler) || !Array.isArray(insns)) {
      return undefined;
    }
    return { key, compiler, insns };
  } catch {
    return undefined;
  }
}
