import { UsageError } from '../errors.ts';
import { nearest } from '../util/nearest.ts';
import { spelling, takesArgument, type OptionSpec } from './option-spec.ts';

/** One option as it was given. */
export interface GivenOption {
  readonly option: OptionSpec;
  /** `--hook`, or `-c` out of a bundle. */
  readonly spelled: string;
  /** Present when the option takes an argument; never changed in any way. */
  readonly argument: string | undefined;
}

export interface SplitLine {
  readonly given: readonly GivenOption[];
  /** The other words in their order, never changed: the expression. */
  readonly words: readonly string[];
  /** All words after the first `--`, as they are; undefined without one. */
  readonly after: readonly string[] | undefined;
}

const DOING = 'reading the command line';

/**
 * Splits a command line as glibc's getopt_long(3) does for tcpdump: bundled letters, an argument
 * attached or in the next word, options also after other words, all words after `--` as they are.
 * Three differences: long names are not abbreviated; a word such as `-1` is a word, as no option is
 * a digit and `tcp[4:4] - 1` an expression; `-hook` with one dash is refused instead of being `-h`.
 *
 * Every option is `built` or `accepted`: others throw. Reading stops at one that `endsWith` picks.
 *
 * @throws UsageError
 */
export function splitLine(
  args: readonly string[],
  options: readonly OptionSpec[],
  isLast: (option: OptionSpec) => boolean = () => false,
): SplitLine {
  const given: GivenOption[] = [];
  const words: string[] = [];
  let after: readonly string[] | undefined;
  let next = 0;

  /** Records one option; true when reading ends. */
  function take(option: OptionSpec, spelled: string, attached: string | undefined): boolean {
    requireUsable(option, spelled);
    let argument = attached;
    if (takesArgument(option)) {
      argument ??= args[next++];
      if (argument === undefined) {
        throw new UsageError(`${DOING}: ${spelled}: its argument is missing`, {
          hint: `${spelled} ${option.argument ?? 'VALUE'}`,
        });
      }
      requireChoice(option, spelled, argument);
    }
    given.push({ option, spelled, argument });
    if (option.type === 'words' && attached === undefined) {
      while (next < args.length && !isOption(args[next] ?? '')) {
        given.push({ option, spelled, argument: args[next++] });
      }
    }
    return isLast(option);
  }

  function takeLong(word: string): boolean {
    const equals = word.indexOf('=');
    const name = equals < 0 ? word.slice(2) : word.slice(2, equals);
    const option = options.find(({ long }) => long === name);
    if (option === undefined) throw unknown(`--${name}`, name, options);
    const attached = equals < 0 ? undefined : word.slice(equals + 1);
    if (attached !== undefined && !takesArgument(option)) {
      throw new UsageError(`${DOING}: --${name}: it takes no argument`, { hint: `--${name}` });
    }
    return take(option, `--${name}`, attached);
  }

  function takeBundle(word: string): boolean {
    requireTwoDashes(word, options);
    const letters = Array.from(word.slice(1));
    while (letters.length > 0) {
      const letter = letters.shift() ?? '';
      const option = options.find(({ short }) => short === letter);
      if (option === undefined) throw unknown(`-${letter}`, letter, options);
      const attached =
        takesArgument(option) && letters.length > 0 ? letters.splice(0).join('') : undefined;
      if (take(option, `-${letter}`, attached)) return true;
    }
    return false;
  }

  while (next < args.length) {
    const word = args[next++] ?? '';
    if (word === '--') {
      after = args.slice(next);
      break;
    }
    if (!isOption(word)) words.push(word);
    else if (word.startsWith('--') ? takeLong(word) : takeBundle(word)) break;
  }
  return { given, words, after };
}

const isOption = (word: string): boolean => /^-[^0-9]/.test(word);

function requireUsable(option: OptionSpec, spelled: string): void {
  if (option.status === 'not-yet') throw new UsageError(`${spelled}: not yet`);
  if (option.status === 'refused') {
    throw new UsageError(`${DOING}: ${spelled}: xcap has no such option: ${option.why ?? ''}`, {
      hint: option.hint ?? 'leave it out',
    });
  }
}

function requireChoice(option: OptionSpec, spelled: string, argument: string): void {
  const { choices } = option;
  if (choices === undefined || choices.includes(argument)) return;
  throw new UsageError(`${DOING}: ${spelled}: ${argument}: no such choice`, {
    hint: choices.map((choice) => `${spelled} ${choice}`).join(', '),
  });
}

/** `-pid 1` would be -p, -i d and the word 1: a wrong answer instead of an error. */
function requireTwoDashes(word: string, options: readonly OptionSpec[]): void {
  const name = word.slice(1).split('=', 1)[0] ?? '';
  if (name.length < 2 || !options.some(({ long }) => long === name)) return;
  throw new UsageError(`${DOING}: ${word}: a long option has two dashes`, { hint: `--${name}` });
}

function unknown(spelled: string, name: string, options: readonly OptionSpec[]): UsageError {
  const usable = options.filter(({ status, help }) => status === 'built' && help !== '');
  const names = usable.flatMap(({ long }) => (long === undefined ? [] : [long]));
  const near = name.length > 1 ? nearest(name, names, 1)[0] : undefined;
  const meant = usable.find(({ long }) => long === near);
  const all = 'all options: xcap --help; a word of the expression: after --';
  return new UsageError(`${DOING}: ${spelled}: no such option`, {
    hint: near === undefined || meant === undefined ? all : `did you mean ${spelling(meant)}?`,
  });
}
