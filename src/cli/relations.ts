import { UsageError } from '../errors.ts';
import type { GivenOption } from './getopt.ts';
import { importPackage } from './import-package.ts';
import type { OptionSpec } from './option-spec.ts';

/**
 * Refuses options that exclude each other, by yargs from the table's `conflicts`. yargs gets names
 * only: it would strip quotes from arguments and knows no bundled letters, getopt.ts reads those.
 * Loading it costs as much as starting Node (80 ms): only command lines that use an option with
 * such a relation pay that.
 *
 * @throws UsageError
 */
export async function checkRelations(
  given: readonly GivenOption[],
  options: readonly OptionSpec[],
): Promise<void> {
  const names = [...new Set(given.map(({ option }) => option.key))];
  const related = options.filter(({ conflicts }) => conflicts !== undefined);
  const partners = related.flatMap(({ key, conflicts }) => [key, ...(conflicts ?? [])]);
  if (names.filter((name) => partners.includes(name)).length < 2) return;

  const { default: yargs } = await importPackage<typeof import('yargs')>('yargs');
  const parser = yargs(names.map((name) => `--${name}`))
    .parserConfiguration({
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'camel-case-expansion': false,
      'boolean-negation': false,
      'dot-notation': false,
      'short-option-groups': false,
    })
    .help(false)
    .version(false)
    .exitProcess(false)
    .detectLocale(false)
    .fail((message, error) => {
      // "Arguments json and format are mutually exclusive": keys, where a user knows spellings.
      const keys = message.split(' ');
      const pair = given.filter(({ option }) => keys.includes(option.key));
      const spelled = [...new Set(pair.map((each) => each.spelled))];
      throw new UsageError(`reading the command line: ${spelled.join(' and ')}: not together`, {
        hint: 'give one of the two',
        cause: error,
      });
    });
  for (const { key } of options) parser.boolean(key);
  for (const { key, conflicts } of related) parser.conflicts(key, [...(conflicts ?? [])]);
  await parser.parseAsync();
}
