/** A printf(3) format with one conversion, such as `0x%04x`. */
export interface FieldFormat {
  readonly before: string;
  readonly after: string;
  readonly conversion: 'd' | 'u' | 'x' | 'X' | 'o' | 'c' | 's';
  readonly alternate: boolean;
  readonly zero: boolean;
  readonly width: number;
}

const FORMAT = /^([^%]*)%([#0]*)(\d{0,2})(?:hh?|ll?)?([duixXocs])([^%]*)$/;

/** @returns undefined when it is none, or not one for this kind of field */
export function parseFormat(text: string, isText: boolean): FieldFormat | undefined {
  const [, before = '', flags = '', width = '', letter, after = ''] = FORMAT.exec(text) ?? [];
  if (letter === undefined || (letter === 's') !== isText) return undefined;
  return {
    before,
    after,
    conversion: (letter === 'i' ? 'd' : letter) as FieldFormat['conversion'],
    alternate: flags.includes('#'),
    zero: flags.includes('0'),
    width: Number(width),
  };
}

/** As printf(3) would write it; negative numbers as hexadecimal are those of `bytes` bytes. */
export function formatNumber(value: bigint, bytes: number, format: FieldFormat): string {
  const unsigned = BigInt.asUintN(8 * bytes, value);
  let prefix = '';
  let digits: string;
  switch (format.conversion) {
    case 'x':
    case 'X':
      digits = unsigned.toString(16);
      if (format.alternate && unsigned !== 0n) prefix = '0x';
      break;
    case 'o':
      digits = unsigned.toString(8);
      if (format.alternate && unsigned !== 0n) prefix = '0';
      break;
    case 'c':
      return format.before + String.fromCharCode(Number(unsigned & 0xffn)) + format.after;
    case 'u':
      digits = unsigned.toString();
      break;
    default:
      digits = (value < 0n ? -value : value).toString();
      if (value < 0n) prefix = '-';
  }
  const room = format.width - prefix.length;
  const number = format.zero
    ? prefix + digits.padStart(room, '0')
    : (prefix + digits).padStart(format.width);
  return format.before + (format.conversion === 'X' ? number.toUpperCase() : number) + format.after;
}
