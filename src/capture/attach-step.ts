import { type Clock, Gate, monotonicClock } from '../kernel/gate.ts';
import type { CaptureIo } from './options.ts';

const YIELD_MS = 50;
const PROGRESS_MS = 1000;
/** One hook takes two steps: a program loaded, and attached. */
const TOLD_FROM_STEPS = 3;

/**
 * What is done before each step of attaching: signals get in between system calls, and whoever waits is told how far it is.
 *
 * @param tells false: standard error has a form of its own, as that of `xcap xdpcap`
 * @returns false of a step that is not to be done any more
 */
export function attachStep(
  io: Pick<CaptureIo, 'log' | 'abort'>,
  tells: boolean,
  now: Clock = monotonicClock,
): (done: number, all: number) => Promise<boolean> {
  const yielding = new Gate(YIELD_MS, now);
  const telling = new Gate(PROGRESS_MS, now);
  yielding.pass();
  telling.pass();
  return async (done, all) => {
    if (yielding.pass()) await new Promise((resolve) => setImmediate(resolve));
    if (tells && all >= TOLD_FROM_STEPS && telling.pass()) {
      io.log.note(`attaching: ${Math.round((100 * done) / all)} %`);
    }
    return !io.abort.aborted;
  };
}
