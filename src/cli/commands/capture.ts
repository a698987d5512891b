import type { CaptureOptions } from '../../capture/options.ts';
import { EXIT, UsageError } from '../../errors.ts';
import { liveReader } from '../../kernel/reader.ts';
import { captureOptions } from '../capture-options.ts';
import { isCompiledIn } from '../options.ts';
import { parseText } from '../values.ts';
import { formatDevices, listDevices, resolveDevice } from '../devices.ts';
import type { SplitLine } from '../getopt.ts';
import type { Given } from '../given.ts';
import type { CliIo } from '../io.ts';
import { readExpression, readText } from '../read-text.ts';

/** xcap without a sub-command. The parts that need native libraries are loaded when needed. */
export async function captureCommand(
  given: Given,
  line: Pick<SplitLine, 'words' | 'after'>,
  io: CliIo,
): Promise<number> {
  // -d runs nothing, and takes what stands behind -- as tcpdump does.
  const dumps = given.has('dump-filter');
  const words = dumps ? [...line.words, ...(line.after ?? [])] : line.words;
  const command = dumps ? [] : (line.after ?? []);
  if (given.has('list-interfaces')) {
    io.stdout.print(`${formatDevices(listDevices(liveReader)).join('\n')}\n`);
    return EXIT.done;
  }
  const built = given.value('run', parseText);
  if (built !== undefined) {
    refuseCompiledIn(given, words, built);
    if (command.length > 0) {
      throw new UsageError(`running ${built}: -- ${command.join(' ')}: no command is run with it`, {
        hint: 'build it with --pid 1 --follow --who owner, and give --pid of a shell that runs the command',
      });
    }
  }
  const options = captureOptions(given, words, {
    ...{ env: io.env, readExpression, readText, command },
    resolveDevice: (spelled, name) => resolveDevice(spelled, name, liveReader),
  });
  if (given.has('expression-file') && words.length > 0) {
    io.log.note('-F: the expression on the command line is ignored');
  }
  if (options.dumpFilter > 0) {
    const { dumpFilter } = await import('./dump-filter.ts');
    return dumpFilter(options, io);
  }
  refuseBinaryOnTerminal(options, io);
  if (built !== undefined) {
    const { runBuilt } = await import('../../capture/run-built.ts');
    return await runBuilt(built, options, io);
  }
  const { startCapture } = await import('../../capture/start.ts');
  return await startCapture(options, io);
}

/** @throws UsageError for what only another build could change */
function refuseCompiledIn(given: Given, words: readonly string[], path: string): void {
  const [option] = given.spelled(isCompiledIn);
  const fixed = option ?? (words.length > 0 ? words.join(' ') : undefined);
  if (fixed !== undefined) {
    const what = option === undefined ? 'the expression is' : 'it is';
    throw new UsageError(`running ${path}: ${fixed}: ${what} compiled in when it is built`, {
      hint: 'build it again with that: xcap build ... -o FILE',
    });
  }
  if (given.value('interface', (_spelled, name) => name) === 'any') {
    throw new UsageError(`running ${path}: -i any: whether for one device or all, it is as built`);
  }
}

function refuseBinaryOnTerminal(options: CaptureOptions, io: CliIo): void {
  const binary = options.outputs.find(
    ({ format, path }) => path === undefined && (format === 'pcap' || format === 'pcapng'),
  );
  if (binary === undefined || options.dryRun || !io.stdout.isTerminal) return;
  throw new UsageError(`writing ${binary.format}: standard output: it is a terminal`, {
    hint: '-w FILE, or pipe it: xcap -w - ... | wireshark -k -i -',
  });
}
