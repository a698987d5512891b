import { formatIpv4, formatIpv6, formatMac, HEX } from './address.ts';
import type { SequenceTable } from './tcp-sequences.ts';

/** How a packet is to be read and how much of it is to be said. */
export interface SummaryOptions {
  /** What the first byte is: an Ethernet header, or an IPv4/IPv6 header. */
  readonly linkType: 'ethernet' | 'raw';
  /** Length on the wire from the first byte of the data. */
  readonly wireLength: number;
  /** Print the link-level header (-e). */
  readonly link: boolean;
  /** 0, or the number of -v. */
  readonly verbose: number;
  /** Less protocol information (-q). */
  readonly quiet: boolean;
  /** Print TCP sequence numbers as they are (-S). */
  readonly absoluteSequence?: boolean;
  /** Initial sequence numbers seen so far; without it every number is absolute. */
  readonly sequences?: SequenceTable;
}

/** Prints the protocol whose header is at `at`; `length` is its length on the wire. */
export type Layer = (d: Dissection, at: number, length: number) => void;

/** The layers that can be carried inside others; a table, so that no protocol imports another. */
export interface Layers {
  readonly ethernet: Layer;
  readonly ipv4: Layer;
  readonly ipv6: Layer;
  /** Prints what an EtherType announces; false when it has no printer, and nothing was printed. */
  readonly ethertype: (d: Dissection, type: number, at: number, length: number) => boolean;
}

/** What the transport printers must know of the IP header above them. */
export interface IpContext {
  readonly version: 4 | 6;
  readonly src: string;
  readonly dst: string;
  /** Offset of the IP header. */
  readonly header: number;
  /** Offset of the destination that checksums cover: the last stop when there is source routing. */
  readonly destination: number;
  /** The protocol field of the IP header itself, before extension headers. */
  readonly protocol: number;
  readonly fragmented: boolean;
}

class TruncatedError extends Error {
  override readonly name = 'TruncatedError';
}

/**
 * Thrown by every read past the captured bytes and caught in summary.ts, nowhere else: a cut packet
 * ends the line, whatever the nesting. One instance, so that a throw costs no stack trace.
 */
export const TRUNCATED = new TruncatedError('packet was cut short');

/** The text of one packet in the making, over a view of its bytes that cannot be overrun. */
export class Dissection {
  readonly data: Uint8Array;
  readonly options: SummaryOptions;
  readonly layers: Layers;
  /** First offset that may not be read: the end of the capture or of the enclosing IP payload. */
  end: number;
  text = '';
  /** Name in `[|name]` when the packet turns out to be cut. */
  protocol = '';
  /** Length of the outermost link header, for dumps that leave it out. */
  linkHeaderLength = 0;
  depth = 0;

  constructor(data: Uint8Array, options: SummaryOptions, layers: Layers) {
    this.data = data;
    this.options = options;
    this.layers = layers;
    this.end = Math.min(data.length, options.wireLength);
  }

  print(text: string): void {
    this.text += text;
  }

  /** Are `length` bytes from `at` captured? */
  has(at: number, length: number): boolean {
    return at + length <= this.end;
  }

  /** Ends the dissection unless `length` bytes from `at` are captured. */
  need(at: number, length: number): void {
    if (at + length > this.end) throw TRUNCATED;
  }

  available(at: number): number {
    return Math.max(0, this.end - at);
  }

  u8(at: number): number {
    if (at >= this.end) throw TRUNCATED;
    return this.data[at] as number;
  }

  u16(at: number): number {
    if (at + 2 > this.end) throw TRUNCATED;
    const { data } = this;
    return ((data[at] as number) << 8) | (data[at + 1] as number);
  }

  u24(at: number): number {
    return (this.u8(at) << 16) | this.u16(at + 1);
  }

  u32(at: number): number {
    if (at + 4 > this.end) throw TRUNCATED;
    const { data } = this;
    return (
      (((data[at] as number) << 24) |
        ((data[at + 1] as number) << 16) |
        ((data[at + 2] as number) << 8) |
        (data[at + 3] as number)) >>>
      0
    );
  }

  /** `length` bytes as hex digits, `separator` between bytes. */
  hex(at: number, length: number, separator = ''): string {
    this.need(at, length);
    let text = '';
    for (let i = at; i < at + length; i++) {
      if (i > at) text += separator;
      text += HEX[this.data[i] as number] as string;
    }
    return text;
  }

  /** Prints `length` bytes as hex digits, as far as they were captured. */
  printHex(at: number, length: number): void {
    this.print(this.hex(at, Math.min(length, this.available(at))));
    this.need(at, length);
  }

  mac(at: number): string {
    this.need(at, 6);
    return formatMac(this.data, at);
  }

  ipv4(at: number): string {
    this.need(at, 4);
    return formatIpv4(this.data, at);
  }

  ipv6(at: number): string {
    this.need(at, 16);
    return formatIpv6(this.data, at);
  }
}

/** Value from a table of names, else `fallback`. */
export function nameOf(
  names: Readonly<Record<number, string>>,
  value: number,
  fallback: string,
): string {
  return names[value] ?? fallback;
}

/** Names of all the bits of `value` that a table knows, in the table's order. */
export function flagNames(
  flags: readonly (readonly [mask: number, name: string])[],
  value: number,
  separator: string,
  none: string,
): string {
  let text = '';
  for (const [mask, name] of flags) {
    if ((value & mask) === 0) continue;
    text += text === '' ? name : separator + name;
  }
  return text === '' ? none : text;
}

/** `0x` and at least `digits` hex digits. */
export function hexNumber(value: number, digits: number): string {
  return `0x${value.toString(16).padStart(digits, '0')}`;
}
