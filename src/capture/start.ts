import { Compiler } from '../compile/compiler.ts';
import type { ExitCode } from '../errors.ts';
import type { CaptureIo, CaptureOptions } from './options.ts';

/**
 * Starts the compiler's process before anything else of a capture is even imported: with LLVM to
 * load it is the longest way to the first event, and the rest goes beside it.
 *
 * @throws as runCapture()
 */
export async function startCapture(options: CaptureOptions, io: CaptureIo): Promise<ExitCode> {
  const compiler = options.dryRun ? undefined : new Compiler();
  try {
    const { runCapture } = await import('./run.ts');
    return await runCapture(options, io, compiler);
  } finally {
    compiler?.[Symbol.dispose]();
  }
}
