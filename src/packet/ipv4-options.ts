import { nameOf } from './dissection.ts';
import type { Dissection } from './dissection.ts';

const OPTION = {
  end: 0,
  nop: 1,
  recordRoute: 7,
  timestamp: 68,
  looseRoute: 131,
  strictRoute: 137,
  routerAlert: 148,
} as const;

const NAMES: Readonly<Record<number, string>> = {
  0: 'EOL',
  1: 'NOP',
  7: 'RR',
  68: 'timestamp',
  82: 'traceroute',
  130: 'security',
  131: 'LSRR',
  137: 'SSRR',
  148: 'RA',
};

/** Prints the options of an IPv4 header; false when they are cut. */
export function printIpv4Options(d: Dissection, at: number, length: number): boolean {
  const end = at + length;
  for (let offset = at; offset < end;) {
    if (offset > at) d.print(',');
    const code = d.u8(offset);
    d.print(nameOf(NAMES, code, `unknown ${code}`));
    if (code === OPTION.end) return true;
    const size = code === OPTION.nop ? 1 : d.u8(offset + 1);
    if (size < 1 || (size < 2 && code !== OPTION.nop) || offset + size > end) {
      d.print(` [bad length ${size}]`);
      return true;
    }
    if (!d.has(offset, size)) return false;
    switch (code) {
      case OPTION.timestamp:
        if (!printTimestamps(d, offset, size)) return false;
        break;
      case OPTION.recordRoute:
      case OPTION.looseRoute:
      case OPTION.strictRoute:
        if (!printRoute(d, offset, size)) return false;
        break;
      case OPTION.routerAlert:
        if (size < 4) d.print(` [bad length ${size}]`);
        else if (d.u16(offset + 2) !== 0) d.print(` value ${d.u16(offset + 2)}`);
        break;
      default:
    }
    offset += size;
  }
  return true;
}

/** Recorded and source routes (RFC 791 section 3.1); a comma marks the hops already visited. */
function printRoute(d: Dissection, at: number, size: number): boolean {
  if (size < 3 || ((size + 1) & 3) !== 0) d.print(` [bad length ${size}]`);
  if (size < 3) return true;
  const pointer = d.u8(at + 2) - 1;
  if (pointer < 3 || ((pointer + 1) & 3) !== 0 || pointer > size + 1) {
    d.print(` [bad ptr ${pointer + 1}]`);
  }
  for (let hop = 3; hop < size; hop += 4) {
    if (!d.has(at + hop, 4)) return false;
    d.print(` ${d.ipv4(at + hop)}${pointer > hop ? ',' : ''}`);
  }
  return true;
}

function printTimestamps(d: Dissection, at: number, size: number): boolean {
  if (size < 4) {
    d.print(`[bad length ${size}]`);
    return true;
  }
  const kind = d.u8(at + 3) & 0x0f;
  const hopLength = kind === 0 ? 4 : 8;
  const pointer = d.u8(at + 2) - 1;
  d.print(' TS{');
  if (((size - 4) & (hopLength - 1)) !== 0) d.print(`[bad length ${size}]`);
  if (pointer < 4 || ((pointer - 4) & (hopLength - 1)) !== 0 || pointer > size + 1) {
    d.print(`[bad ptr ${pointer + 1}]`);
  }
  const kindText = nameOf({ 0: 'TSONLY', 1: 'TS+ADDR', 3: 'PRESPEC' }, kind, '');
  d.print(kindText === '' ? `[bad ts type ${kind}]` : kindText);
  let hop = 0;
  if (kindText !== '') {
    for (hop = 4; hop < size; hop += hopLength) {
      if (!d.has(at + hop, hopLength)) return false;
      d.print(pointer === hop ? ' ^ ' : ' ');
      d.print(`${d.u32(at + hop + hopLength - 4)}@${hopLength === 8 ? d.ipv4(at + hop) : ''}`);
    }
  }
  if (pointer === hop) d.print(' ^ ');
  const missed = d.u8(at + 3) >>> 4;
  d.print(missed === 0 ? '}' : ` [${missed} hops not recorded]} `);
  return true;
}

/** Offset of the address that transport checksums cover: the last one of a source route. */
export function finalDestination(d: Dissection, at: number, headerLength: number): number {
  const end = at + headerLength;
  for (let offset = at + 20; offset < end;) {
    const code = d.u8(offset);
    if (code === OPTION.end) break;
    const size = code === OPTION.nop ? 1 : d.u8(offset + 1);
    if (size < 1 || (size < 2 && code !== OPTION.nop) || offset + size > end) break;
    if ((code === OPTION.looseRoute || code === OPTION.strictRoute) && size >= 7) {
      return offset + size - 4;
    }
    offset += size;
  }
  return at + 16;
}
