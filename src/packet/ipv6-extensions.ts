import { hexNumber } from './dissection.ts';
import type { Dissection } from './dissection.ts';

/** What the walk over the headers of a packet must know of one of them. */
export interface Extension {
  readonly size: number;
  /** Payload length from a jumbo payload option. */
  readonly jumbo?: number;
  /** Offset of the last stop of a source route. */
  readonly destination?: number;
}

const OPTION = { pad1: 0, padN: 1, routerAlert: 5, jumbo: 0xc2, homeAddress: 0xc9 } as const;
const FRAGMENT_OFFSET_MASK = 0xfff8;

/** RFC 8200 section 4.3; undefined when it cannot be walked past. */
export function printHopByHop(
  d: Dissection,
  at: number,
  payloadLength: number,
): Extension | undefined {
  d.protocol = 'hbhopt';
  const size = (d.u8(at + 1) + 1) * 8;
  d.need(at, size);
  d.print('HBH ');
  const options = printOptions(d, at + 2, at + size, payloadLength);
  if (options === undefined) {
    d.print(' [|hbhopt]');
    return undefined;
  }
  return { size, jumbo: options.jumbo };
}

/** RFC 8200 section 4.6. */
export function printDestinationOptions(d: Dissection, at: number): Extension | undefined {
  d.protocol = 'dstopt';
  const size = (d.u8(at + 1) + 1) * 8;
  d.need(at, size);
  d.print('DSTOPT ');
  if (d.options.verbose > 0 && printOptions(d, at + 2, at + size, undefined) === undefined) {
    d.print(' [|dstopt]');
    return undefined;
  }
  return { size };
}

/** RFC 8200 section 4.5; undefined for all but a first fragment, whose payload has no header. */
export function printFragment(d: Dissection, at: number, end: number): Extension | undefined {
  d.protocol = 'frag6';
  const offset = d.u16(at + 2) & FRAGMENT_OFFSET_MASK;
  const id = d.options.verbose > 0 ? `${hexNumber(d.u32(at + 4), 8)}:` : '';
  d.print(`frag (${id}${offset}|${Math.max(0, end - at - 8)})`);
  if (offset !== 0 || !d.has(at + 8, 1)) return undefined;
  d.print(' ');
  return { size: 8 };
}

/** RFC 8200 section 4.4, RFC 6275 section 6.4, RFC 8754 section 2. */
export function printRouting(d: Dissection, at: number): Extension | undefined {
  d.need(at, 1);
  d.protocol = 'rt6';
  d.print('RT6');
  const verbose = d.options.verbose > 0;
  const words = d.u8(at + 1);
  d.print(` (len=${words}`);
  const type = d.u8(at + 2);
  d.print(`, type=${type}${type === 0 ? ' [Deprecated]' : ''}`);
  d.print(`, segleft=${d.u8(at + 3)}`);
  if (type === 0 || type === 2) {
    const reserved = d.u32(at + 4);
    if (reserved !== 0 || verbose) d.print(`, rsv=0x${reserved.toString(16)}`);
  } else if (type === 4) {
    d.print(`, last-entry=${d.u8(at + 4)}`);
    const flags = d.u8(at + 5);
    if (flags !== 0 || verbose) d.print(`, flags=0x${flags.toString(16)}`);
    d.print(`, tag=${d.u16(at + 6).toString(16)}`);
  } else {
    d.print(' (unknown type) (invalid)');
    return undefined;
  }
  if (words % 2 === 1) {
    d.print(` (invalid length ${words}) (invalid)`);
    return undefined;
  }
  const count = words / 2;
  for (let i = 0; i < count; i++) d.print(`, [${i}]${d.ipv6(at + 8 + 16 * i)}`);
  d.print(') ');
  const size = (words + 1) * 8;
  if (count === 0) return { size };
  // A segment routing header lists its segments from the last one on.
  return { size, destination: type === 4 ? at + 8 : at + 8 + 16 * (count - 1) };
}

/**
 * The options of RFC 8200 section 4.2; undefined when they do not fit.
 * @param payloadLength of the IPv6 header; undefined where no jumbo payload may be
 */
function printOptions(
  d: Dissection,
  at: number,
  end: number,
  payloadLength: number | undefined,
): { readonly jumbo: number } | undefined {
  const verbose = d.options.verbose > 0;
  let jumbo = 0;
  for (let offset = at; offset < end;) {
    const type = d.u8(offset);
    if (type === OPTION.pad1) {
      if (verbose) d.print('(pad1)');
      offset++;
      continue;
    }
    if (offset + 1 >= end) return undefined;
    const length = d.u8(offset + 1);
    if (offset + 2 + length > end) return undefined;
    const wanted = { [OPTION.routerAlert]: 2, [OPTION.jumbo]: 4 }[type];
    if (wanted !== undefined && length !== wanted) {
      d.print(`(${type === OPTION.jumbo ? 'jumbo' : 'rtalert'}: invalid len ${length})`);
      return undefined;
    }
    if (type === OPTION.homeAddress && length < 16) {
      d.print(`(homeaddr: invalid len ${length})`);
      return undefined;
    }
    if (type === OPTION.jumbo) {
      const value = d.u32(offset + 2);
      const problem = jumboProblem(value, jumbo, payloadLength);
      if (problem === '') jumbo = value;
      if (verbose) d.print(`(jumbo: ${value}${problem}) `);
    } else if (verbose) {
      d.print(optionText(d, type, offset, length));
    }
    offset += 2 + length;
  }
  if (verbose) d.print(' ');
  return { jumbo };
}

function jumboProblem(value: number, seen: number, payloadLength: number | undefined): string {
  if (seen !== 0) return ' - already seen';
  if (payloadLength === undefined) return ' - not a hop-by-hop option';
  if (payloadLength !== 0) return ' - payload len != 0';
  return value < 65_536 ? ' - < 65536' : '';
}

function optionText(d: Dissection, type: number, at: number, length: number): string {
  switch (type) {
    case OPTION.padN:
      return '(padn)';
    case OPTION.routerAlert:
      return `(rtalert: ${hexNumber(d.u16(at + 2), 4)}) `;
    case OPTION.homeAddress:
      return `(homeaddr: ${d.ipv6(at + 2)})`;
    default:
      return `(opt_type ${hexNumber(type, 2)}: len=${length})`;
  }
}
