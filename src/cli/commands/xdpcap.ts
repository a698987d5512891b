import { closeSync, openSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { CaptureOptions } from '../../capture/options.ts';
import { EXIT, FilterError, UsageError, type ExitCode } from '../../errors.ts';
import { openLibpcap } from '../../ffi/libpcap.ts';
import { LINK_TYPE } from '../../filter/compile-expression.ts';
import type { RawProgram } from '../../filter/cbpf.ts';
import { isCbpfText, parseCbpfText } from '../../filter/cbpf-text.ts';
import { ProgramError } from '../../filter/program-error.ts';
import { captureOptions } from '../capture-options.ts';
import { Given } from '../given.ts';
import type { CliIo } from '../io.ts';
import { isClosedPipe, reportError } from '../report.ts';
import { parseXdpcapLine, XDPCAP_USAGE, type XdpcapLine } from '../xdpcap/line.ts';

/** xdpcap's own: its statuses are not those of the rest of xcap. */
const CAPTURE_FAILED: ExitCode = 2;

/** `xcap xdpcap ...`: the command line, files and counts of xdpcap. */
export async function xdpcapCommand(args: readonly string[], io: CliIo): Promise<number> {
  const debug = (io.env['XCAP_DEBUG'] ?? '') !== '';
  let line;
  let options;
  try {
    line = parseXdpcapLine(args);
    if (line === undefined) {
      io.log.text(XDPCAP_USAGE);
      return EXIT.done;
    }
    requireOutput(line.output, io);
    options = xdpcapOptions(line, io);
  } catch (error) {
    reportError(error, io.log, debug);
    return EXIT.usage;
  }
  try {
    checkWatermark(line);
    const { startCapture } = await import('../../capture/start.ts');
    return await startCapture(options, io);
  } catch (error) {
    reportError(error, io.log, debug);
    if (isClosedPipe(error)) return EXIT.done;
    return error instanceof FilterError ? EXIT.usage : CAPTURE_FAILED;
  }
}

/** The file is made before anything else is tried, as xdpcap does. */
function requireOutput(output: string, io: CliIo): void {
  if (output === '-') {
    if (!io.stdout.isTerminal) return;
    throw new UsageError('writing pcapng: standard output: it is a terminal', {
      hint: 'pipe it: xcap xdpcap MAP - | tcpdump -r -',
    });
  }
  try {
    closeSync(openSync(output, 'w'));
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new UsageError(`creating the output: ${output}: ${why}`, { cause: error });
  }
}

/** Part of the capture and not of the command line, as xdpcap has it. */
function checkWatermark({ watermarkBytes, bufferBytes = Infinity }: XdpcapLine): void {
  if (watermarkBytes < bufferBytes) return;
  throw new UsageError(`creating the buffer: -watermark ${watermarkBytes}: not less than -buffer`);
}

/** Of xdpcap's interfaces. */
const SNAPLEN = 65535;
const LEAST_RING_KIB = 1024;

function xdpcapOptions(line: XdpcapLine, io: CliIo): CaptureOptions {
  const around = {
    env: io.env,
    readExpression: (): string => '',
    readText: (): string => '',
    resolveDevice: (_spelled: string, name: string): string => name,
  };
  const plain = captureOptions(new Given([]), [], around);
  const program = filterProgram(line);
  const { bufferBytes } = line;
  return {
    ...plain,
    hooks: [`xdpmap:${line.mapPath}`],
    xdpActions: line.actions,
    expression: line.filter,
    program,
    snaplen: SNAPLEN,
    ringKiB:
      bufferBytes === undefined
        ? plain.ringKiB
        : Math.max(LEAST_RING_KIB, powerOfTwo((bufferBytes * availableParallelism()) / 1024)),
    write: line.output,
    format: 'pcapng',
    outputs: [{ format: 'pcapng', path: line.output === '-' ? undefined : line.output }],
    text: { ...plain.text, packetBuffered: line.flush },
    xdpcap: { counts: !line.quiet },
  };
}

const MOST_RING_KIB = 2 ** 21;

const powerOfTwo = (kib: number): number =>
  Math.min(MOST_RING_KIB, 2 ** Math.ceil(Math.log2(Math.max(1, kib))));

/** A program that is not simply the expression's for Ethernet; undefined leaves it to the expression. */
function filterProgram({ filter, linkType }: XdpcapLine): RawProgram | undefined {
  try {
    if (isCbpfText(filter)) return parseCbpfText(filter);
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error;
    throw new UsageError(error.message, { cause: error });
  }
  if (linkType === LINK_TYPE.ethernet || filter === '') return undefined;
  const optimize = true;
  const compiled = openLibpcap().compile(filter, { linkType, snaplen: SNAPLEN, optimize });
  if ('program' in compiled) return compiled.program;
  throw new UsageError(`compiling the filter: ${filter}: ${compiled.error}`);
}
