import { checksumShouldBe, transportSum } from './checksum.ts';
import { flagNames, hexNumber, TRUNCATED } from './dissection.ts';
import type { Dissection, IpContext } from './dissection.ts';
import { printTcpOptions } from './tcp-options.ts';
import { PROTOCOL } from './protocols.ts';

const MIN_HEADER = 20;
const FIN = 0x01;
const SYN = 0x02;
const RST = 0x04;
const ACK = 0x10;
const URG = 0x20;

const FLAGS = [
  [FIN, 'F'],
  [SYN, 'S'],
  [RST, 'R'],
  [0x08, 'P'],
  [ACK, '.'],
  [URG, 'U'],
  [0x40, 'E'],
  [0x80, 'W'],
] as const;
/** Text for every value of the flags byte. */
const FLAGS_TEXT = Array.from({ length: 256 }, (_, value) => flagNames(FLAGS, value, '', 'none'));

/** The text of a reset (RFC 9293 section 3.5.3) is printed up to here. */
const MAX_RESET_TEXT = 30;

/** TCP, RFC 9293 section 3.1; what it carries is not dissected. */
export function printTcp(d: Dissection, at: number, length: number, ip: IpContext): void {
  d.protocol = 'tcp';
  if (!d.has(at, 4)) {
    d.print(`${ip.src} > ${ip.dst}:`);
    throw TRUNCATED;
  }
  const sport = d.u16(at);
  const dport = d.u16(at + 2);
  d.print(portsText(ip, PROTOCOL.tcp, sport, dport));
  d.need(at, MIN_HEADER);
  const headerLength = (d.u8(at + 12) >>> 4) * 4;
  if (headerLength < MIN_HEADER) {
    d.print(` tcp ${length - headerLength} [bad hdr length ${headerLength} - too short, < 20]`);
    return;
  }
  const tooLong =
    headerLength > length ? ` [bad hdr length ${headerLength} - too long, > ${length}]` : '';
  const payload = length - headerLength;
  if (d.options.quiet) {
    d.print(`tcp ${payload}${tooLong}`);
    return;
  }
  const flags = d.u8(at + 13);
  d.print(`Flags [${FLAGS_TEXT[flags] ?? ''}]`);
  let seq = d.u32(at + 4);
  let ack = d.u32(at + 8);
  let sackBase = 0;
  const { sequences } = d.options;
  if ((flags & ACK) !== 0 && sequences !== undefined && d.options.absoluteSequence !== true) {
    const base = sequences.base(
      { address: ip.src, port: sport },
      { address: ip.dst, port: dport },
      { seq, ack, syn: (flags & SYN) !== 0 },
    );
    seq = (seq - base.seq) >>> 0;
    ack = (ack - base.ack) >>> 0;
    sackBase = base.sack;
  }
  if (tooLong !== '') {
    d.print(tooLong);
    return;
  }
  if (d.options.verbose > 0 && !ip.fragmented && d.has(at, length)) {
    d.print(checksumText(d, at, length, ip));
  }
  if (payload > 0 || (flags & (SYN | FIN | RST)) !== 0 || d.options.verbose > 1) {
    d.print(`, seq ${seq}`);
    if (payload > 0) d.print(`:${(seq + payload) >>> 0}`);
  }
  if ((flags & ACK) !== 0) d.print(`, ack ${ack}`);
  d.print(`, win ${d.u16(at + 14)}`);
  if ((flags & URG) !== 0) d.print(`, urg ${d.u16(at + 18)}`);
  if (headerLength > MIN_HEADER) {
    d.print(', options [');
    if (!printTcpOptions(d, at + MIN_HEADER, at + headerLength, sackBase)) return;
    d.print(']');
  }
  d.print(`, length ${payload}`);
  if ((flags & RST) !== 0 && payload > 0 && d.options.verbose > 0) {
    d.print(resetText(d, at + headerLength, payload));
  }
}

/** Addresses and ports; below an extension header the IP printer has printed the addresses. */
export function portsText(ip: IpContext, protocol: number, sport: number, dport: number): string {
  return ip.protocol === protocol
    ? `${ip.src}.${sport} > ${ip.dst}.${dport}: `
    : `${sport} > ${dport}: `;
}

function checksumText(d: Dissection, at: number, length: number, ip: IpContext): string {
  const checksum = d.u16(at + 16);
  const right = checksumShouldBe(checksum, transportSum(d, ip, PROTOCOL.tcp, at, length));
  const verdict = right === undefined ? 'correct' : `incorrect -> ${hexNumber(right, 4)}`;
  return `, cksum ${hexNumber(checksum, 4)} (${verdict})`;
}

/** Some stacks say why they reset; control characters in the notation of cat -v. */
function resetText(d: Dissection, at: number, length: number): string {
  let text = d.has(at, length) ? ' [RST' : ' [!RST';
  text += length > MAX_RESET_TEXT ? '+ ' : ' ';
  const end = Math.min(d.end, at + Math.min(length, MAX_RESET_TEXT));
  for (let i = at; i < end; i++) {
    const value = d.u8(i);
    const low = value & 0x7f;
    if (value > 0x7f) text += 'M-';
    text +=
      low < 0x20 || low === 0x7f ? `^${String.fromCharCode(low ^ 0x40)}` : String.fromCharCode(low);
  }
  return `${text}]`;
}
