import { writeSync } from 'node:fs';

/** What goes to standard error. Standard output belongs to packets. */
export interface Logger {
  /** A line each with the prefix `xcap: `, all in one write: there may be thousands. */
  note(...messages: readonly string[]): void;
  /** Text as it is, lines of a summary for example; a final line feed is added where missing. */
  text(text: string): void;
}

/**
 * Names that come from users, the kernel or the wire may hold escape sequences: control and
 * formatting characters but line feed and tab are printed as `\x1b` or `\u202e`.
 */
export function escapeControl(text: string): string {
  return text.replace(/(?![\n\t])[\p{C}\p{Zl}\p{Zp}]/gu, (character) => {
    const hex = (character.codePointAt(0) ?? 0).toString(16);
    return hex.length <= 2 ? `\\x${hex.padStart(2, '0')}` : `\\u${hex.padStart(4, '0')}`;
  });
}

/**
 * Writes all of `text` to `fd` before it returns, also when another process made the pipe or
 * terminal non-blocking.
 *
 * @param patienceMs how long to wait for a reader that takes nothing
 * @throws the system's error, EPIPE for example; EAGAIN when patience ended
 */
export function writeFully(fd: number, text: string, patienceMs: number): void {
  let rest: Uint8Array = new TextEncoder().encode(text);
  let waitedMs = 0;
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(fd, rest));
      waitedMs = 0;
    } catch (error) {
      const again = (error as NodeJS.ErrnoException).code === 'EAGAIN';
      if (!again || waitedMs >= patienceMs) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
      waitedMs += 5;
    }
  }
}

/** A logger on a file descriptor. A reader that went away or is stuck loses lines, never the run. */
export function createLogger(fd = 2): Logger {
  function text(lines: string): void {
    const ended = lines.endsWith('\n') ? lines : `${lines}\n`;
    try {
      writeFully(fd, escapeControl(ended), 100);
    } catch {
      // Nowhere left to say it.
    }
  }
  return {
    text,
    note(...messages) {
      if (messages.length > 0) text(messages.map((message) => `xcap: ${message}`).join('\n'));
    },
  };
}
