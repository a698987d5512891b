import { isatty } from 'node:tty';
import type { StandardOutput } from '../capture/options.ts';
import { RuntimeError } from '../errors.ts';
import { writeFully } from '../log.ts';
import { isClosedPipe } from './report.ts';

/** Standard output for text that is no packet; a full disk is status 5. */
export function standardOutput(fd = 1): StandardOutput {
  return {
    fd,
    isTerminal: isatty(fd),
    size() {
      // Of descriptor 1: Node follows its changes.
      const { columns, rows } = process.stdout;
      return fd === 1 && columns > 0 && rows > 0 ? { columns, rows } : undefined;
    },
    print(text) {
      try {
        writeFully(fd, text, Number.POSITIVE_INFINITY);
      } catch (error) {
        if (isClosedPipe(error)) throw error;
        const why = error instanceof Error ? error.message : String(error);
        throw new RuntimeError(`writing to standard output: ${why}`, { cause: error });
      }
    },
  };
}
