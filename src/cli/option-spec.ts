/** The command that an option belongs to; `capture` is xcap without a sub-command. */
export type CommandName = 'capture' | 'build' | 'filter' | 'hooks' | 'reasons' | 'top';

export type OptionGroup = 'top' | 'trace' | 'match' | 'output' | 'text' | 'bounds' | 'other';

/**
 * flag: given or not; count: how often it was given; value: one argument, the last one counts
 * (as with getopt); single: one argument, twice is an error because dropping one would drop
 * packets; list: every argument counts; words: a list whose arguments are all the words up to the
 * next option.
 */
export type OptionType = 'flag' | 'count' | 'value' | 'single' | 'list' | 'words';

/**
 * built: works; not-yet: promised, refused until it works; accepted: harmless habit of tcpdump,
 * ignored; refused: an option of tcpdump that has no meaning here, `why` says so.
 */
export type OptionStatus = 'built' | 'not-yet' | 'accepted' | 'refused';

/** One row of the option table. */
export interface OptionSpec {
  /** Unique among the options of a command. */
  readonly key: string;
  /** Without the dashes. */
  readonly long?: string;
  /** One character. */
  readonly short?: string;
  readonly type: OptionType;
  /** What the argument is called in the help. */
  readonly argument?: string;
  /** The only values that the argument may have. */
  readonly choices?: readonly string[];
  readonly group: OptionGroup;
  /** Empty: left out of the help. */
  readonly help: string;
  readonly status: OptionStatus;
  readonly why?: string;
  readonly hint?: string;
  /** Keys of options that cannot be given with this one. */
  readonly conflicts?: readonly string[];
  /** `capture` alone unless named. */
  readonly commands?: readonly CommandName[];
}

/** How a person writes the option: `--hook`, or `-c` when it has no long form. */
export function spelling(option: OptionSpec): string {
  return option.long === undefined ? `-${option.short ?? ''}` : `--${option.long}`;
}

export function takesArgument(option: OptionSpec): boolean {
  return option.type !== 'flag' && option.type !== 'count';
}
