import { hexNumber, nameOf, TRUNCATED } from './dissection.ts';
import type { Dissection } from './dissection.ts';

const NAMES: Readonly<Record<number, string>> = {
  0: 'eol',
  1: 'nop',
  2: 'mss',
  3: 'wscale',
  4: 'sackOK',
  5: 'sack',
  6: 'echo',
  7: 'echoreply',
  8: 'TS',
  11: 'cc',
  12: 'ccnew',
  13: '',
  19: 'md5',
  20: 'scps',
  28: 'uto',
  29: 'tcp-ao',
  30: 'mptcp',
  34: 'tfo',
  254: 'exp',
};

const END = 0;
const NOP = 1;
const FAST_OPEN_MAGIC = 0xf989;

/** RFC 8684 section 3: the upper four bits of the third byte. */
const MPTCP_SUBTYPES = [
  'capable',
  'join',
  'dss',
  'add-addr',
  'rem-addr',
  'prio',
  'fail',
  'fast-close',
] as const;

/**
 * Prints what follows the name of an option.
 * @param at of the data behind kind and length
 * @param size of that data
 */
type OptionPrinter = (d: Dissection, at: number, size: number, sackBase: number) => void;

/** Options of a fixed size, and the text of their data. */
const FIXED: Readonly<
  Record<number, readonly [size: number, text: (d: Dissection, at: number) => string]>
> = {
  2: [2, (d, at) => ` ${d.u16(at)}`],
  3: [1, (d, at) => ` ${d.u8(at)}`],
  4: [0, () => ''],
  6: [4, wordText],
  7: [4, wordText],
  8: [8, (d, at) => ` val ${d.u32(at)} ecr ${d.u32(at + 4)}`],
  11: [4, wordText],
  12: [4, wordText],
  13: [4, wordText],
  19: [16, (d, at) => ` ${d.hex(at, 16)}`],
  20: [2, (d, at) => ` cap ${d.hex(at, 1)} id ${d.u8(at + 1)}`],
  28: [2, (d, at) => userTimeoutText(d.u16(at))],
};

const VARIABLE: Readonly<Record<number, OptionPrinter>> = {
  5: printSack,
  29: printAuthentication,
  30: (d, at, size) => {
    if (size > 0) d.print(` ${size + 2} ${MPTCP_SUBTYPES[d.u8(at) >>> 4] ?? 'unknown'}`);
  },
  34: (d, at, size) => {
    d.print(` ${fastOpenText(d, at, size)}`);
  },
  254: (d, at, size) => {
    d.print(experimentText(d, at, size));
  },
};

/** Prints the options from `at` to `end`; false when they made no sense, which ends the line. */
export function printTcpOptions(d: Dissection, at: number, end: number, sackBase: number): boolean {
  let first = true;
  for (let offset = at; offset < end;) {
    if (!first) d.print(',');
    const kind = d.u8(offset);
    if (kind === END || kind === NOP) {
      d.print(kind === END ? 'eol' : 'nop');
      if (kind === END) return true;
      offset++;
      first = false;
      continue;
    }
    const length = offset + 1 < end ? d.u8(offset + 1) : 0;
    if (length < 2 || offset + length > end) return bad(d, first);
    d.print(nameOf(NAMES, kind, `unknown-${kind}`));
    const fixed = FIXED[kind];
    const size = fixed?.[0] ?? length - 2;
    if (offset + 2 + size > end) return bad(d, first);
    if (fixed !== undefined) d.print(fixed[1](d, offset + 2));
    else (VARIABLE[kind] ?? printUnknown)(d, offset + 2, size, sackBase);
    if (size + 2 !== length) d.print(`[len ${length}]`);
    offset += size + 2;
    first = false;
  }
  return true;
}

function bad(d: Dissection, first: boolean): false {
  d.print(`[bad opt]${first ? '' : ']'}`);
  return false;
}

function wordText(d: Dissection, at: number): string {
  return ` ${d.u32(at)}`;
}

function printUnknown(d: Dissection, at: number, size: number): void {
  if (size > 0) d.print(' 0x');
  d.printHex(at, size);
}

/** RFC 2018 section 3. */
function printSack(d: Dissection, at: number, size: number, sackBase: number): void {
  if (size % 8 !== 0) {
    d.print(' invalid sack');
    return;
  }
  d.print(` ${size / 8} `);
  for (let i = at; i < at + size; i += 8) {
    d.print(`{${(d.u32(i) - sackBase) >>> 0}:${(d.u32(i + 4) - sackBase) >>> 0}}`);
  }
}

/** RFC 5482 section 3.1: the top bit chooses minutes; printed as tcpdump reads it. */
function userTimeoutText(value: number): string {
  const seconds = (value & 1) === 1 ? (value >>> 1) * 60 : value >>> 1;
  return ` 0x${value.toString(16)} ${seconds}`;
}

/** RFC 5925 section 2.2. */
function printAuthentication(d: Dissection, at: number, size: number): void {
  if (size < 2) {
    d.print(' (invalid)');
    return;
  }
  d.print(` keyid ${d.u8(at)}`);
  d.print(` rnextkeyid ${d.u8(at + 1)}`);
  if (size > 2) d.print(' mac 0x');
  d.printHex(at + 2, size - 2);
}

/** RFC 7413 section 4.1.1. */
function fastOpenText(d: Dissection, at: number, size: number): string {
  if (size === 0) return ' cookiereq';
  if (size % 2 !== 0 || size < 4 || size > 16) return ' (invalid)';
  return ` cookie ${d.hex(at, size)}`;
}

/** RFC 6994 section 3. */
function experimentText(d: Dissection, at: number, size: number): string {
  if (size < 2) throw TRUNCATED;
  const magic = d.u16(at);
  if (magic === FAST_OPEN_MAGIC) return `-tfo${fastOpenText(d, at + 2, size - 2)}`;
  return `-${hexNumber(magic, 4).slice(2)}`;
}
