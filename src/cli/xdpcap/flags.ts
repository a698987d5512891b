import { UsageError } from '../../errors.ts';

/** What the program takes: its flags, `true` for those without a value. */
export type FlagKinds = Readonly<Record<string, 'value' | 'switch'>>;

export interface SplitFlags {
  /** The last value given of each. */
  readonly values: ReadonlyMap<string, string>;
  readonly switches: ReadonlyMap<string, boolean>;
  /** -h or -help: nothing else counts. */
  readonly help: boolean;
  /** From the first word that is no flag. */
  readonly words: readonly string[];
}

const TRUE = ['1', 't', 'T', 'true', 'TRUE', 'True'];
const FALSE = ['0', 'f', 'F', 'false', 'FALSE', 'False'];

/**
 * Splits a command line as Go's package flag does: one dash or two, a value behind `=` or in the next
 * word, no flags behind the first other word, of which `-` is one.
 *
 * @throws UsageError
 */
export function splitFlags(args: readonly string[], kinds: FlagKinds): SplitFlags {
  const values = new Map<string, string>();
  const switches = new Map<string, boolean>();
  let at = 0;
  for (; at < args.length; at++) {
    const word = args[at] ?? '';
    if (!/^-./.test(word)) break;
    if (word === '--') {
      at++;
      break;
    }
    const [, name = '', , value] = /^--?([^=-][^=]*)(=([^]*))?$/.exec(word) ?? [];
    if (name === '') throw new UsageError(`reading the command line: ${word}: bad flag syntax`);
    const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
    if (kind === undefined) {
      if (name === 'h' || name === 'help') return { values, switches, help: true, words: [] };
      throw new UsageError(`reading the command line: -${name}: no such flag`, {
        hint: `flags are ${Object.keys(kinds)
          .map((each) => `-${each}`)
          .join(', ')}; xcap xdpcap -h explains them`,
      });
    }
    if (kind === 'switch') {
      if (value !== undefined && ![...TRUE, ...FALSE].includes(value)) {
        throw new UsageError(
          `reading the command line: -${name}: ${value}: neither true nor false`,
        );
      }
      switches.set(name, value === undefined || TRUE.includes(value));
      continue;
    }
    const given = value ?? args[++at];
    if (given === undefined) {
      throw new UsageError(`reading the command line: -${name}: its argument is missing`);
    }
    values.set(name, given);
  }
  return { values, switches, help: false, words: args.slice(at) };
}
