import type { CaptureOptions } from '../../capture/options.ts';
import { EXIT, UsageError, type ExitCode } from '../../errors.ts';
import { liveReader } from '../../kernel/reader.ts';
import { captureOptions } from '../capture-options.ts';
import { formatDevices, listDevices, resolveDevice } from '../devices.ts';
import type { Given } from '../given.ts';
import type { CliIo } from '../io.ts';
import { readExpression, readText } from '../read-text.ts';

/** xcap without a sub-command. The parts that need native libraries are loaded when needed. */
export async function captureCommand(
  given: Given,
  words: readonly string[],
  io: CliIo,
): Promise<ExitCode> {
  if (given.has('list-interfaces')) {
    io.stdout.print(`${formatDevices(listDevices(liveReader)).join('\n')}\n`);
    return EXIT.done;
  }
  const options = captureOptions(given, words, {
    env: io.env,
    readExpression,
    readText,
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
  const { startCapture } = await import('../../capture/start.ts');
  return await startCapture(options, io);
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
