import { isUnchanged } from './identity.ts';
import type { Compiler } from './compiler.ts';
import { makeObject, type CompiledObject, type CompileInput } from './object.ts';
import type { CacheEntry, ObjectCache } from './object-cache.ts';
import { objectKey, slotName, type Environment } from './object-key.ts';

export interface CacheUse {
  readonly cache: ObjectCache;
  /** Tells runs apart that are not likely to need the same object; each has its place in the cache. */
  readonly question: string;
  readonly env: Environment;
}

/**
 * Makes objects: of the cache, or by a compiler's process. That is started before there is anything to
 * compile, so that loading LLVM overlaps with the rest, unless the cache has an object from when the same was asked
 * before. Whether it is the right one shows when the text is there.
 */
export class ObjectCompiler implements Disposable {
  readonly #use: CacheUse | undefined;
  readonly #slot: string;
  readonly #found: CacheEntry | undefined;
  #child: Compiler | undefined;

  private constructor(use: CacheUse | undefined) {
    this.#use = use;
    this.#slot = use === undefined ? '' : slotName(use.question);
    this.#found = use?.cache.get(this.#slot);
  }

  /** @param use undefined: no cache */
  static async start(use: CacheUse | undefined): Promise<ObjectCompiler> {
    const made = new ObjectCompiler(use);
    if (made.#found === undefined) await made.#startChild();
    return made;
  }

  /**
   * Once.
   *
   * @throws UnsupportedError when libbcc is missing, CompileError when it refuses the text or dies
   */
  async compile(input: CompileInput): Promise<CompiledObject> {
    const key = this.#use && objectKey(input.units, this.#use.env);
    const found = this.#found;
    if (found !== undefined && found.key === key && found.compiler.every(isUnchanged)) {
      return makeObject(input, found.insns);
    }
    const child = this.#child ?? (await this.#startChild());
    const compiled = await child.compile(input.units);
    const object = makeObject(input, compiled.insns);
    if (key !== undefined && compiled.compiler.length > 0) {
      this.#use?.cache.put(this.#slot, { key, ...compiled });
    }
    return object;
  }

  async #startChild(): Promise<Compiler> {
    // Loaded only when needed: starting processes takes Node modules of its own.
    const { Compiler } = await import('./compiler.ts');
    return (this.#child = new Compiler());
  }

  [Symbol.dispose](): void {
    this.#child?.[Symbol.dispose]();
  }
}
