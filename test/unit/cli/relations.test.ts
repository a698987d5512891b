import { expect, test } from 'vitest';
import { splitLine } from '../../../src/cli/getopt.ts';
import { optionsOf } from '../../../src/cli/options.ts';
import { checkRelations } from '../../../src/cli/relations.ts';

const options = optionsOf('capture');
const check = (...args: string[]): Promise<void> =>
  checkRelations(splitLine(args, options).given, options);

test.each([
  [['--json', '--format', 'text'], '--json and --format'],
  [['--format', 'text', '-n', '--json'], '--format and --json'],
  [['-ddd', '--dry-run'], '-d and --dry-run'],
])('checkRelations() refuses %j', async (args, names) => {
  await expect(check(...args)).rejects.toThrow(`reading the command line: ${names}: not together`);
});

test.each([[['--json']], [['--json', '--dry-run']], [['-d', '--json', '-n', '-w', 'f']]])(
  'checkRelations() accepts %j',
  async (args) => {
    await expect(check(...args)).resolves.toBeUndefined();
  },
);
