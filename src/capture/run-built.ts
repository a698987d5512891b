import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { createProber } from '../bpf/probes.ts';
import { makeObject } from '../compile/object.ts';
import { RuntimeError, UsageError, type ExitCode } from '../errors.ts';
import type { ExpressionCompiler } from '../filter/cbpf.ts';
import { packageVersion } from '../util/package.ts';
import {
  requireKernel,
  requireSameProgram,
  requireVersion,
  sameAbilities,
} from './built-checks.ts';
import { decodeBuilt, FILE_BYTES_MAX } from './built-file.ts';
import { chooseOptions } from './built-options.ts';
import type { ExpressionAnswer } from './built-program.ts';
import { identifyKernel } from './kernel-identity.ts';
import type { CaptureIo, CaptureOptions } from './options.ts';
import { makePlan } from './plan.ts';
import { THIS_SYSTEM } from './plan-target.ts';
import { requirePrivileges } from './privileges.ts';
import { runPlanned } from './run.ts';

/**
 * Runs what `xcap build` made: a capture as any other, planned here anew, but that neither libpcap nor a compiler
 * is asked. Only what this system would compile to the same is loaded: the C that it writes has to be the C that
 * the file was made of.
 *
 * @param choices what the command line leaves to the run
 * @throws as runCapture(); UnsupportedError where kernel or xcap differ
 */
export async function runBuilt(
  path: string,
  choices: CaptureOptions,
  io: CaptureIo,
): Promise<ExitCode> {
  const built = decodeBuilt(readBuilt(path), path);
  const { reader, arch } = THIS_SYSTEM;
  requireVersion(built, packageVersion(), path);
  requireKernel(built.kernel, identifyKernel(reader, arch), path);
  requirePrivileges();
  const options = chooseOptions(built.options, choices, path);
  if (options.text.verbose > 0) {
    io.log.note(`${path}: built by xcap ${built.xcap} for Linux ${built.kernel.release}`);
  }
  const target = {
    ...THIS_SYSTEM,
    createProber: (...of: Parameters<typeof createProber>) =>
      sameAbilities(createProber(...of), built, path),
    expressions: recordedAnswers(built.expressions, path),
  };
  const source = {
    compile: (input: Parameters<typeof makeObject>[0]) =>
      Promise.resolve(loadable(() => makeObject(input, built.insns), path)),
  };
  return await runPlanned(options, io, source, () => {
    const plan = makePlan(options, target);
    requireSameProgram(built, plan, path);
    return plan;
  });
}

/** @throws UsageError when there is no such file, RuntimeError when it is none that can be read */
function readBuilt(path: string): Uint8Array {
  let fd: number;
  try {
    // Of a FIFO the opening would wait.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const why = error instanceof Error ? (error.message.split(', ')[0] ?? '') : String(error);
    throw new UsageError(`reading the built program: ${path}: ${why}`, { cause: error });
  }
  try {
    const { mode, size } = fstatSync(fd);
    const fault = (why: string): RuntimeError =>
      new RuntimeError(`reading the built program: ${path}: ${why}`);
    if ((mode & constants.S_IFMT) !== constants.S_IFREG) throw fault('not a regular file');
    if (size > FILE_BYTES_MAX) throw fault(`larger than ${FILE_BYTES_MAX >> 20} MiB`);
    const bytes = new Uint8Array(size);
    return bytes.subarray(0, readSync(fd, bytes));
  } finally {
    closeSync(fd);
  }
}

/** libpcap's answers when it was asked. */
function recordedAnswers(known: readonly ExpressionAnswer[], path: string): ExpressionCompiler {
  const key = (expression: string, of: Omit<ExpressionAnswer, 'expression' | 'answer'>): string =>
    JSON.stringify([expression, of.linkType, of.snaplen, of.optimize]);
  const answers = new Map(known.map((each) => [key(each.expression, each), each.answer]));
  return {
    compile: (expression, options) => {
      const answer = answers.get(key(expression, options));
      if (answer !== undefined) return answer;
      throw new RuntimeError(`reading the built program: ${path}: not sound: lacks an expression`);
    },
  };
}

/** What the form of the file could not tell: a map or a number that the plan does not have. */
function loadable<T>(make: () => T, path: string): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RuntimeError(`reading the built program: ${path}: not sound: ${error.message}`, {
      cause: error,
    });
  }
}
