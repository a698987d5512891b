import { nameOf } from './dissection.ts';
import type { Dissection, IpContext } from './dissection.ts';

const HEADER_LENGTH = 12;
/** A packet can hold thousands of chunks; a line should not. */
const MAX_CHUNKS = 16;

const CHUNK_NAMES: Readonly<Record<number, string>> = {
  0: 'DATA',
  1: 'INIT',
  2: 'INIT ACK',
  3: 'SACK',
  4: 'HB REQ',
  5: 'HB ACK',
  6: 'ABORT',
  7: 'SHUTDOWN',
  8: 'SHUTDOWN ACK',
  9: 'OP ERR',
  10: 'COOKIE ECHO',
  11: 'COOKIE ACK',
  12: 'ECN ECHO',
  13: 'ECN CWR',
  14: 'SHUTDOWN COMPLETE',
  0xc0: 'FOR CUM TSN',
  0xc1: 'REL CTRL',
  0xc2: 'REL CTRL ACK',
};

/** SCTP, RFC 9260 section 3: ports and chunks; parameters and gaps are not listed. */
export function printSctp(d: Dissection, at: number, length: number, ip: IpContext): void {
  d.protocol = 'sctp';
  if (length < HEADER_LENGTH) {
    d.print(`truncated-sctp - ${HEADER_LENGTH - length} bytes missing!`);
    return;
  }
  d.need(at, HEADER_LENGTH);
  d.print(`${ip.src}.${d.u16(at)} > ${ip.dst}.${d.u16(at + 2)}: sctp`);
  let offset = at + HEADER_LENGTH;
  let left = length - HEADER_LENGTH;
  for (let count = 1; left > 0; count++) {
    const separator = d.options.verbose > 1 ? '\n\t' : count === 1 ? ' (' : ', (';
    const open = `${separator}${count}) `;
    if (count > MAX_CHUNKS) {
      d.print(', ...');
      return;
    }
    if (left < 4) {
      d.print(`${open}[chunk descriptor cut off at end of packet]`);
      return;
    }
    const size = d.u16(offset + 2);
    if (size < 4) {
      d.print(`${open}[Bad chunk length ${size}, < size of chunk descriptor]`);
      return;
    }
    const padded = (size + 3) & ~3;
    if (left < padded - size) {
      d.print(`${open}[Bad chunk length ${size}, > remaining data in packet]`);
      return;
    }
    d.need(offset, size);
    const type = d.u8(offset);
    d.print(`${open}[${nameOf(CHUNK_NAMES, type, `Unknown chunk type: 0x${type.toString(16)}`)}] `);
    if (!printChunk(d, type, offset, size)) return;
    d.need(offset + size, padded - size);
    offset += padded;
    left -= padded;
  }
}

/** The fields of one chunk; false when its length cannot be right, which ends the line. */
function printChunk(d: Dissection, type: number, at: number, size: number): boolean {
  const minimum = type === 0 ? 17 : type === 3 ? 16 : 20;
  if (type <= 3 && size < minimum) {
    d.print(`bogus chunk length ${size}]`);
    return false;
  }
  switch (type) {
    case 0: {
      const flags = d.u8(at + 1);
      const marks = `${(flags & 4) === 0 ? '' : '(U)'}${(flags & 2) === 0 ? '' : '(B)'}${(flags & 1) === 0 ? '' : '(E)'}`;
      d.print(
        `${marks}${marks === '' ? '' : ' '}[TSN: ${d.u32(at + 4)}] [SID: ${d.u16(at + 8)}] ` +
          `[SSEQ ${d.u16(at + 10)}] [PPID 0x${d.u32(at + 12).toString(16)}] `,
      );
      break;
    }
    case 1:
    case 2:
      d.print(
        `[init tag: ${d.u32(at + 4)}] [rwnd: ${d.u32(at + 8)}] [OS: ${d.u16(at + 12)}] ` +
          `[MIS: ${d.u16(at + 14)}] [init TSN: ${d.u32(at + 16)}] `,
      );
      break;
    case 3:
      d.print(
        `[cum ack ${d.u32(at + 4)}] [a_rwnd ${d.u32(at + 8)}] [#gap acks ${d.u16(at + 12)}] ` +
          `[#dup tsns ${d.u16(at + 14)}] `,
      );
      break;
    default:
  }
  return true;
}
