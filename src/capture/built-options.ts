import { UsageError } from '../errors.ts';
import type { UserSource } from '../user-c/source.ts';
import { parseUserC } from '../user-c/user-c.ts';
import type { BuiltOptions, UserFile } from './built-program.ts';
import type { CaptureOptions, MetadataFilter } from './options.ts';

/** Filters by numbers that are put in when the program is loaded. */
const OF_RUN = ['netns', 'pid', 'tid', 'cgroup', 'container'] as const;
type RunKey = (typeof OF_RUN)[number];

/**
 * The options of a run: what was compiled is as it was built, the rest as chosen now. Namespaces, processes and
 * the device may be others than when it was built, but as many.
 *
 * @throws UsageError
 */
export function chooseOptions(
  built: BuiltOptions,
  choices: CaptureOptions,
  path: string,
): CaptureOptions {
  const { filterC, actionC, metadata, partial, loadPass, ...compiled } = built;
  const [sample, maxOverhead] = (['sample', 'maxOverhead'] as const).map((key) => {
    if (choices[key] === undefined || built[key] !== undefined) return choices[key] ?? built[key];
    const option = key === 'sample' ? '--sample' : '--max-overhead';
    throw wrongChoice(path, option, 'it is built without');
  });
  if (choices.interface !== undefined && built.interface === undefined) {
    throw wrongChoice(path, '-i', 'it is built for all devices');
  }
  return {
    ...choices,
    ...compiled,
    interface: choices.interface ?? built.interface,
    ...{ sample, maxOverhead },
    metadata: [
      ...metadata.filter(({ key }) => !isOfRun(key)),
      ...OF_RUN.flatMap((key) => chooseNumbers(key, metadata, choices.metadata, path)),
    ],
    partial: partial || choices.partial,
    loadPass: loadPass || choices.loadPass,
    userC: parseUserC(userSource('--filter-c', filterC), userSource('--action-c', actionC)),
  };
}

const isOfRun = (key: MetadataFilter['key']): key is RunKey => OF_RUN.some((each) => each === key);

function chooseNumbers(
  key: RunKey,
  built: readonly MetadataFilter[],
  choices: readonly MetadataFilter[],
  path: string,
): readonly MetadataFilter[] {
  const [before, now] = [built, choices].map((all) => all.filter((each) => each.key === key));
  if (before === undefined || now === undefined) return [];
  if (now.length === 0) {
    if ((key !== 'pid' && key !== 'tid') || before.length === 0) return before;
    // The number of a process means something on one host, and for a while.
    throw new UsageError(`running ${path}: it is built for --${key}: its number is missing`, {
      hint: `xcap --run ${path} --${key} N`,
    });
  }
  if (count(now) !== count(before)) {
    throw wrongChoice(path, `--${key}`, `given ${count(now)}, built with ${count(before)}`);
  }
  return now;
}

/** `2`, `1 and 1 negated`, `none` */
function count(filters: readonly MetadataFilter[]): string {
  const negated = filters.filter(({ negate }) => negate).length;
  const plain = filters.length - negated;
  const parts = [
    ...(plain > 0 ? [String(plain)] : []),
    ...(negated > 0 ? [`${negated} negated`] : []),
  ];
  return parts.length === 0 ? 'none' : parts.join(' and ');
}

function wrongChoice(path: string, option: string, why: string): UsageError {
  return new UsageError(`running ${path}: ${option}: ${why}`, {
    hint: `build it again with ${option}, or leave it as built`,
  });
}

function userSource(
  option: UserSource['option'],
  file: UserFile | undefined,
): UserSource | undefined {
  return file && { option, path: file.name, text: file.text };
}
