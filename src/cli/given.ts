import { UsageError } from '../errors.ts';
import type { GivenOption } from './getopt.ts';
import type { OptionSpec } from './option-spec.ts';
import type { OptionKey } from './options.ts';

/** What was given of each option, by key. */
export class Given {
  readonly #all: readonly GivenOption[];

  constructor(all: readonly GivenOption[]) {
    this.#all = all;
  }

  has(key: OptionKey): boolean {
    return this.count(key) > 0;
  }

  count(key: OptionKey): number {
    return this.#of(key).length;
  }

  /** How those that are given were spelled. */
  spelled(which: (option: OptionSpec) => boolean): readonly string[] {
    return this.#all.filter(({ option }) => which(option)).map(({ spelled }) => spelled);
  }

  /** Every argument, in order, parsed. */
  list<T>(key: OptionKey, parse: (spelled: string, text: string) => T): readonly T[] {
    return this.#of(key).map(({ spelled, argument }) => parse(spelled, argument ?? ''));
  }

  /** The last argument, as with getopt(3); an earlier one that differs is an error for `single`. */
  value<T>(key: OptionKey, parse: (spelled: string, text: string) => T): T | undefined {
    const given = this.#of(key);
    const last = given.at(-1);
    if (last === undefined) return undefined;
    const other = given.find(({ argument }) => argument !== last.argument);
    if (last.option.type === 'single' && other !== undefined) {
      throw new UsageError(
        `reading the command line: ${last.spelled}: given twice: ${other.argument ?? ''} and ${last.argument ?? ''}`,
        { hint: key === 'interface' ? 'several devices: --ifname A --ifname B' : 'give it once' },
      );
    }
    return parse(last.spelled, last.argument ?? '');
  }

  #of(key: OptionKey): readonly GivenOption[] {
    return this.#all.filter(({ option }) => option.key === key);
  }
}
