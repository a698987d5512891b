/** tcpdump's dumps: -x, -xx, -X, -XX, -A, -AA. The doubled ones include the link header. */
export type HexMode = 'x' | 'xx' | 'X' | 'XX' | 'A' | 'AA';

const BYTES_PER_LINE = 16;
/** Eight groups of a blank and four digits. */
const HEX_WIDTH = 40;

const HEX = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'));
const GRAPHIC = Array.from({ length: 256 }, (_, i) =>
  i > 0x20 && i < 0x7f ? String.fromCharCode(i) : '.',
);

/**
 * The lines of a dump, each led by a newline, to be appended to the packet's line.
 * @param linkHeaderLength what -x, -X and -A leave out
 */
export function hexdump(mode: HexMode, data: Uint8Array, linkHeaderLength: number): string {
  const start = mode.length === 2 ? 0 : linkHeaderLength;
  switch (mode) {
    case 'x':
    case 'xx':
      return hexLines(data, start, false);
    case 'X':
    case 'XX':
      return hexLines(data, start, true);
    case 'A':
    case 'AA':
      return asciiText(data, start);
  }
}

function hexLines(data: Uint8Array, start: number, withAscii: boolean): string {
  let text = '';
  for (let line = start; line < data.length; line += BYTES_PER_LINE) {
    const end = Math.min(line + BYTES_PER_LINE, data.length);
    let hex = '';
    let ascii = '';
    for (let i = line; i < end; i++) {
      const byte = data[i] as number;
      if (((i - line) & 1) === 0) hex += ' ';
      hex += HEX[byte] as string;
      if (withAscii) ascii += GRAPHIC[byte] as string;
    }
    text += `\n\t0x${(line - start).toString(16).padStart(4, '0')}: `;
    text += withAscii ? `${hex.padEnd(HEX_WIDTH)}  ${ascii}` : hex;
  }
  return text;
}

/** As text, line feeds and tabs included; all else that has no glyph becomes a dot. */
function asciiText(data: Uint8Array, start: number): string {
  let text = start < data.length ? '\n' : '';
  for (let i = start; i < data.length; i++) {
    const byte = data[i] as number;
    if (byte === 0x0d) {
      // A carriage return goes with the line feed behind it, or shows as a dot within a line.
      if (i + 2 < data.length && data[i + 1] !== 0x0a) text += '.';
    } else if (byte === 0x09 || byte === 0x0a || byte === 0x20) {
      text += String.fromCharCode(byte);
    } else {
      text += GRAPHIC[byte] as string;
    }
  }
  return text;
}
