import { flagNames, hexNumber, nameOf } from './dissection.ts';
import type { Dissection } from './dissection.ts';
import { ETHERTYPE, ETHERTYPE_NAMES } from './ethertypes.ts';

const CHECKSUM = 0x8000;
const ROUTING = 0x4000;
const KEY = 0x2000;
const SEQUENCE = 0x1000;
const ACKNOWLEDGMENT = 0x0080;
const FLAGS = [
  [CHECKSUM, 'checksum present'],
  [ROUTING, 'routing present'],
  [KEY, 'key present'],
  [SEQUENCE, 'sequence# present'],
  [0x0800, 'source routing present'],
  [ACKNOWLEDGMENT, 'ack present'],
] as const;

const PPP = 0x880b;

/** GRE (RFC 2784, RFC 2890) and the version of PPTP (RFC 2637 section 4.1). */
export function printGre(d: Dissection, at: number, length: number): void {
  d.protocol = 'gre';
  if (length < 2) {
    d.need(d.end, 1);
    return;
  }
  const flags = d.u16(at);
  const version = flags & 7;
  d.print(`GREv${version}`);
  if (version > 1) {
    d.print(' ERROR: unknown-version');
    return;
  }
  if (d.options.verbose > 0) d.print(`, Flags [${flagNames(FLAGS, flags, ', ', 'none')}]`);
  const type = d.u16(at + 2);
  const offset = version === 0 ? printFields(d, at, flags) : printPptpFields(d, at, flags);
  if (offset - at > length) d.need(d.end, 1);
  if (d.options.link) {
    d.print(`, proto ${nameOf(ETHERTYPE_NAMES, type, 'unknown')} (${hexNumber(type, 4)})`);
  }
  d.print(`, length ${length}`);
  if (version === 1 && (flags & SEQUENCE) === 0) return;
  d.print(d.options.verbose > 0 ? '\n\t' : ': ');
  printPayload(d, type, offset, length - (offset - at));
}

function printPayload(d: Dissection, type: number, at: number, length: number): void {
  switch (type) {
    case ETHERTYPE.ipv4:
      d.layers.ipv4(d, at, length);
      break;
    case ETHERTYPE.ipv6:
      d.layers.ipv6(d, at, length);
      break;
    case ETHERTYPE.bridgedEthernet:
      d.layers.ethernet(d, at, length);
      break;
    case PPP:
      d.print('PPP');
      break;
    default:
      d.print(`gre-proto-0x${type.toString(16)}`);
  }
}

/** The optional fields of version 0; returns the offset behind them. */
function printFields(d: Dissection, at: number, flags: number): number {
  let offset = at + 4;
  if ((flags & (CHECKSUM | ROUTING)) !== 0) {
    if (d.options.verbose > 0) d.print(`, sum 0x${d.u16(offset).toString(16)}`);
    d.print(`, off 0x${d.u16(offset + 2).toString(16)}`);
    offset += 4;
  }
  if ((flags & KEY) !== 0) {
    d.print(`, key=0x${d.u32(offset).toString(16)}`);
    offset += 4;
  }
  if ((flags & SEQUENCE) !== 0) {
    d.print(`, seq ${d.u32(offset)}`);
    offset += 4;
  }
  // Source route entries (RFC 1701), removed from GRE by RFC 2784: skipped.
  if ((flags & ROUTING) !== 0) {
    for (;;) {
      const size = d.u8(offset + 3);
      const done = d.u16(offset) === 0 && size === 0;
      offset += 4 + size;
      if (done) break;
    }
  }
  return offset;
}

function printPptpFields(d: Dissection, at: number, flags: number): number {
  let offset = at + 4;
  if ((flags & KEY) !== 0) {
    d.print(`, call ${d.u16(offset + 2)}`);
    offset += 4;
  }
  if ((flags & SEQUENCE) !== 0) {
    d.print(`, seq ${d.u32(offset)}`);
    offset += 4;
  }
  if ((flags & ACKNOWLEDGMENT) !== 0) {
    d.print(`, ack ${d.u32(offset)}`);
    offset += 4;
  }
  if ((flags & SEQUENCE) === 0) d.print(', no-payload');
  return offset;
}
