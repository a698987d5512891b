import { enableRunStats } from '../bpf/run-stats.ts';
import { PermissionError, SystemError } from '../errors.ts';
import type { Disposer } from '../util/disposer.ts';
import type { CaptureIo, CaptureOptions } from './options.ts';

/**
 * Has the kernel measure the programs, for -v and --max-overhead, until `held` is disposed: it reads the clock twice for
 * each run of every BPF program of the host, so not unless asked.
 *
 * @returns whether it does
 * @throws PermissionError, SystemError when --max-overhead cannot be kept without
 */
export function measureRuns(options: CaptureOptions, held: Disposer, io: CaptureIo): boolean {
  const { maxOverhead, text, xdpcap } = options;
  if (maxOverhead === undefined && (text.verbose === 0 || xdpcap !== undefined)) return false;
  try {
    held.add(enableRunStats());
    return true;
  } catch (error) {
    const refused = error instanceof PermissionError || error instanceof SystemError;
    if (!refused || maxOverhead !== undefined) throw error;
    io.log.note(error.message);
    return false;
  }
}
