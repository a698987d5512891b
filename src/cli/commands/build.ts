import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { randomBytes } from 'node:crypto';
import type { KernelDescription } from '../../capture/build.ts';
import { EXIT, RuntimeError, UsageError, type ExitCode } from '../../errors.ts';
import { captureOptions } from '../capture-options.ts';
import type { Given } from '../given.ts';
import type { CliIo } from '../io.ts';
import { badValue, parseText } from '../values.ts';
import { readExpression, readText } from '../read-text.ts';

/** `xcap build EXPR -o FILE`: all of a capture that takes a compiler, for another time or host. */
export async function buildCommand(
  given: Given,
  words: readonly string[],
  io: CliIo,
): Promise<ExitCode> {
  const path = given.value('output', parseText);
  if (path === undefined) {
    throw new UsageError('reading the command line: build: -o is missing', {
      hint: "xcap build [options] 'EXPRESSION' -o FILE.xcap",
    });
  }
  if (path === '-' && io.stdout.isTerminal) {
    throw new UsageError('writing what was built: standard output: it is a terminal', {
      hint: '-o FILE.xcap',
    });
  }
  const options = captureOptions(given, words, {
    ...{ env: io.env, readExpression, readText },
    resolveDevice: nameOfDevice,
  });
  if (given.has('expression-file') && words.length > 0) {
    io.log.note('-F: the expression on the command line is ignored');
  }
  const kernel = describedKernel(given);
  const { buildProgram } = await import('../../capture/build.ts');
  const { encodeBuilt } = await import('../../capture/built-file.ts');
  const { program, notes } = await buildProgram(options, kernel);
  io.log.note(...notes);
  const text = encodeBuilt(program);
  if (path === '-') io.stdout.print(text);
  else writeWhole(path, text);
  io.log.note(
    `built for Linux ${program.kernel.release}: tracing ${program.hooks.join(', ')}, ${Math.ceil(text.length / 1024)} KiB`,
  );
  return EXIT.done;
}

/** A line of -D is of this host. */
function nameOfDevice(spelled: string, name: string): string {
  if (!/^[0-9]+$/.test(name)) return name;
  throw badValue(spelled, name, 'a number of -D means a device of this host only', 'give its name');
}

function describedKernel(given: Given): KernelDescription | undefined {
  const path = given.value('btf', parseText);
  const release = given.value('release', parseRelease);
  if (path === undefined && release === undefined) return undefined;
  if (path === undefined || release === undefined) {
    const missing = path === undefined ? '--btf' : '--release';
    throw new UsageError(`reading the command line: build: ${missing} is missing`, {
      hint: 'another kernel takes both: --btf FILE --release RELEASE',
    });
  }
  try {
    return { path, release, btf: readFileSync(path) };
  } catch (error) {
    const why = error instanceof Error ? (error.message.split(', ')[0] ?? '') : String(error);
    throw new UsageError(`reading the kernel's types: --btf ${path}: ${why}`, { cause: error });
  }
}

function parseRelease(spelled: string, text: string): string {
  if (/^\d+\.\d+[\w.+~-]*$/.test(text) && text.length <= 64) return text;
  throw badValue(spelled, text, 'no release of a kernel', `${spelled} "$(uname -r)"`);
}

/** Nobody finds half of it. @throws RuntimeError */
function writeWhole(path: string, text: string): void {
  const temporary = join(dirname(path), `.xcap-build-${randomBytes(8).toString('hex')}`);
  try {
    writeFileSync(temporary, text, { flag: 'wx' });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    const why = error instanceof Error ? (error.message.split(', ')[0] ?? '') : String(error);
    throw new RuntimeError(`writing what was built: ${path}: ${why}`, { cause: error });
  }
}
