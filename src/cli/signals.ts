import type { CaptureIo } from '../capture/options.ts';
import type { Logger } from '../log.ts';

/** A second signal sooner than this is the same one twice: from a terminal and from sudo, say. */
const SAME_SIGNAL_MS = 200;

/**
 * Installs the handlers. The first SIGINT, SIGTERM or SIGHUP aborts; a second one of the first two
 * leaves at once. SIGPIPE is left alone: Node ignores it and writes give EPIPE.
 *
 * A handler works also where the signal was inherited as ignored, as a shell's background job
 * inherits SIGINT. Node resets all signals at its start, so what `nohup` asked for cannot be known.
 */
export function watchSignals(
  log: Logger,
  leave: () => void,
): Pick<CaptureIo, 'abort' | 'onSummaryRequest'> {
  const controller = new AbortController();
  let firstAt = 0;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (!controller.signal.aborted) {
        firstAt = performance.now();
        controller.abort(signal);
      } else if (signal !== 'SIGHUP' && performance.now() - firstAt > SAME_SIGNAL_MS) {
        log.note(`${signal} again: leaving at once, packets still in the ring are not written`);
        leave();
      }
    });
  }
  const listeners = new Set<() => void>();
  // Without a handler SIGUSR1 would open Node's debugger.
  process.on('SIGUSR1', () => {
    for (const listener of listeners) listener();
  });
  return {
    abort: controller.signal,
    onSummaryRequest(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
  };
}
