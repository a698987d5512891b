import { identify } from '../compile/identity.ts';
import { XcapError } from '../errors.ts';
import type { KernelMemory } from '../kernel/memory.ts';
import type { FileReader } from '../kernel/reader.ts';
import { kernelState } from '../kernel/state.ts';
import { packageFile } from '../util/package.ts';
import type { PrivateFiles } from '../util/private-files.ts';
import { sha256 } from '../util/sha256.ts';

const FORM = 'xcap-kernel-1';

/**
 * Answers about the running kernel among private files. One holds as long as the kernel is in the state that it was found in, and
 * the program is the one that found it; where that cannot be told, nothing is kept.
 *
 * @param program file of this program's code
 */
export function kernelMemory(
  files: PrivateFiles,
  reader: FileReader,
  withoutFeature: readonly string[],
  program = packageFile('dist', 'tracer.cjs'),
): KernelMemory {
  let head: { readonly line: string | undefined } | undefined;
  // In the answer and not in its name: one that holds no more makes room for the next.
  const headLine = (): string | undefined =>
    (head ??= { line: circumstances(reader, withoutFeature, program) }).line;
  const nameOf = (question: string): string => sha256(`kernel\n${question}`);
  return {
    recall(question) {
      const line = headLine();
      if (line === undefined) return undefined;
      const text = files.get(nameOf(question), FORM);
      return text?.startsWith(line) === true ? text.slice(line.length) : undefined;
    },
    keep(question, answer) {
      const line = headLine();
      if (line !== undefined) files.put(nameOf(question), FORM, line + answer);
    },
  };
}

function circumstances(
  reader: FileReader,
  withoutFeature: readonly string[],
  path: string,
): string | undefined {
  const program = identify(path);
  const state = stateOf(reader);
  if (program === undefined || state === undefined) return undefined;
  return `${sha256(JSON.stringify([program, state, withoutFeature]))}\n`;
}

function stateOf(reader: FileReader): string | undefined {
  try {
    return kernelState(reader);
  } catch (error) {
    // Some of it may not be read.
    if (error instanceof XcapError) return undefined;
    throw error;
  }
}
