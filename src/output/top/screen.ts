/** Cursor up, to the start of the line, and everything from there away (ECMA-48: CUU, ED). */
const UP = (lines: number): string => (lines === 0 ? '\r\x1b[J' : `\x1b[${lines}A\r\x1b[J`);
/** Lines that are too wide are cut, not continued on the next (DECAWM). */
const NO_WRAP = '\x1b[?7l';
const WRAP = '\x1b[?7h';

/**
 * Lines that are drawn again in the place where they were. The terminal is left as any program's
 * output would leave it after every drawing, so that it needs no care however xcap ends.
 */
export class Screen {
  #drawn = 0;

  /** The text that puts these lines in the place of those before. */
  redraw(lines: readonly string[]): string {
    const text = `${UP(this.#drawn)}${NO_WRAP}${lines.join('\n')}\n${WRAP}`;
    this.#drawn = lines.length;
    return text;
  }
}
