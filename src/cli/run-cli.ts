import { EXIT, UsageError } from '../errors.ts';
import { Given } from './given.ts';
import { splitLine } from './getopt.ts';
import type { CliIo } from './io.ts';
import type { CommandName, OptionSpec } from './option-spec.ts';
import { optionsOf } from './options.ts';

const BUILT: readonly CommandName[] = ['build', 'filter', 'hooks', 'reasons', 'top'];
const NOT_YET = ['completion', 'doctor', 'read'];

/** Options that end the reading of a command line: what follows them does not matter. */
const isFinal = (option: OptionSpec): boolean => option.key === 'help' || option.key === 'version';

/**
 * Runs one command line.
 *
 * @param args the words after the program's name
 * @throws what main.ts reports
 */
export async function runCli(args: readonly string[], io: CliIo): Promise<number> {
  const [first = ''] = args;
  if (NOT_YET.includes(first)) throw new UsageError(`${first}: not yet`);
  if (first === 'xdpcap') {
    // Its command line is another program's.
    const { xdpcapCommand } = await import('./commands/xdpcap.ts');
    return await xdpcapCommand(args.slice(1), io);
  }
  const command = BUILT.find((name) => name === first) ?? 'capture';
  const options = optionsOf(command);
  const line = splitLine(command === 'capture' ? args : args.slice(1), options, isFinal);
  const given = new Given(line.given);
  // A capture and top run what stands behind `--`; of others it is part of the expression.
  const words = [...line.words, ...(line.after ?? [])];

  if (given.has('help')) {
    const { helpText } = await import('./help.ts');
    io.stdout.print(helpText(command));
    return EXIT.done;
  }
  if (given.has('version')) {
    const { versionLines } = await import('./commands/version.ts');
    io.stdout.print(`${(await versionLines()).join('\n')}\n`);
    return EXIT.done;
  }
  if (line.given.length > 1) {
    const { checkRelations } = await import('./relations.ts');
    await checkRelations(line.given, options);
  }
  switch (command) {
    case 'build': {
      const { buildCommand } = await import('./commands/build.ts');
      return await buildCommand(given, words, io);
    }
    case 'filter': {
      const { filterCommand } = await import('./commands/filter.ts');
      return await filterCommand(given, words, io);
    }
    case 'hooks': {
      const { hooksCommand } = await import('./commands/hooks.ts');
      return hooksCommand(words, io);
    }
    case 'reasons': {
      const { reasonsCommand } = await import('./commands/reasons.ts');
      return reasonsCommand(words, io);
    }
    case 'top': {
      const { topCommand } = await import('./commands/top.ts');
      return await topCommand(given, line, io);
    }
    case 'capture': {
      refuseLateCommand(line.words[0] ?? '');
      const { captureCommand } = await import('./commands/capture.ts');
      return await captureCommand(given, line, io);
    }
  }
}

/** `xcap -n reasons`: as an expression it would look for a host of that name. */
function refuseLateCommand(word: string): void {
  if (![...BUILT, ...NOT_YET, 'xdpcap'].includes(word)) return;
  throw new UsageError(`reading the command line: ${word}: a sub-command comes first`, {
    hint: `xcap ${word} [options]; for a host of that name: xcap [options] host ${word}`,
  });
}
