import { hexNumber, nameOf } from './dissection.ts';
import type { Dissection, IpContext } from './dissection.ts';
import { printGre } from './gre.ts';
import { printIcmp } from './icmp.ts';
import { printIcmp6 } from './icmp6.ts';
import { printIgmp } from './igmp.ts';
import { PROTOCOL, PROTOCOL_NAMES } from './protocols.ts';
import { printSctp } from './sctp.ts';
import { printTcp } from './tcp.ts';
import { printUdp } from './udp.ts';

type PayloadPrinter = (d: Dissection, at: number, length: number, ip: IpContext) => void;

const PRINTERS: Readonly<Record<number, PayloadPrinter>> = {
  [PROTOCOL.icmp]: (d, at, length, ip) => {
    if (ip.version === 4) printIcmp(d, at, length, ip);
    else printWrongVersion(d, PROTOCOL.icmp, 4);
  },
  [PROTOCOL.igmp]: (d, at, length, ip) => {
    if (ip.version === 4) printIgmp(d, at, length);
    else printWrongVersion(d, PROTOCOL.igmp, 4);
  },
  [PROTOCOL.icmp6]: (d, at, length, ip) => {
    if (ip.version === 6) printIcmp6(d, at, length, ip);
    else printWrongVersion(d, PROTOCOL.icmp6, 6);
  },
  [PROTOCOL.ethernet]: (d, at, length, ip) => {
    if (ip.version === 6) d.layers.ethernet(d, at, length);
    else printWrongVersion(d, PROTOCOL.ethernet, 6);
  },
  [PROTOCOL.tcp]: printTcp,
  [PROTOCOL.udp]: printUdp,
  [PROTOCOL.sctp]: printSctp,
  [PROTOCOL.gre]: (d, at, length) => {
    printGre(d, at, length);
  },
  [PROTOCOL.ipv4]: (d, at, length) => {
    d.layers.ipv4(d, at, length);
  },
  [PROTOCOL.ipv6]: (d, at, length) => {
    d.layers.ipv6(d, at, length);
  },
  [PROTOCOL.esp]: (d, at, length) => {
    printEsp(d, at, length);
  },
  [PROTOCOL.ipcomp]: (d, at) => {
    d.protocol = 'ipcomp';
    d.print(`IPComp(cpi=${hexNumber(d.u16(at + 2), 4)})`);
  },
  [PROTOCOL.none]: (d) => {
    d.print('no next header');
  },
};

/** Their numbers mean nothing as the payload of IPv4. */
const IPV6_EXTENSIONS: ReadonlySet<number> = new Set([
  PROTOCOL.hopByHop,
  PROTOCOL.routing,
  PROTOCOL.fragment,
]);

/** TCP, UDP and SCTP print the addresses with their ports; for the others the IP printer does. */
export function printsOwnAddresses(protocol: number): boolean {
  return protocol === PROTOCOL.tcp || protocol === PROTOCOL.udp || protocol === PROTOCOL.sctp;
}

/** Prints what an IP header announces as `protocol`. */
export function printIpPayload(
  d: Dissection,
  at: number,
  length: number,
  protocol: number,
  ip: IpContext,
): void {
  let offset = at;
  let left = length;
  let next = protocol;
  // A loop, not a call from printAh: a packet of nothing but such headers must not exhaust the stack.
  while (next === PROTOCOL.ah) {
    d.protocol = 'ah';
    next = d.u8(offset);
    const size = printAh(d, offset);
    offset += size;
    left = Math.max(0, left - size);
  }
  const printer = PRINTERS[next];
  if (printer !== undefined) {
    printer(d, offset, left, ip);
    return;
  }
  const name = IPV6_EXTENSIONS.has(next) ? undefined : PROTOCOL_NAMES[next];
  d.print(name === undefined ? ` ip-proto-${next} ${left}` : `${name}, length ${left}`);
}

function printWrongVersion(d: Dissection, protocol: number, version: 4 | 6): void {
  const name = nameOf(PROTOCOL_NAMES, protocol, 'unknown');
  d.print(`[${name} requires IPv${version}] (invalid)`);
}

/** Authentication header, RFC 4302 section 2; returns its size. */
function printAh(d: Dissection, at: number): number {
  d.print('AH');
  const words = d.u8(at + 1);
  const size = (words + 2) * 4;
  d.print('(');
  if (d.options.verbose > 0) d.print(`length=${words}(${size}-bytes),`);
  const reserved = d.u16(at + 2);
  if (reserved !== 0) d.print(`reserved=0x${reserved.toString(16)}[MustBeZero],`);
  d.print(`spi=${hexNumber(d.u32(at + 4), 8)},`);
  d.print(`seq=0x${d.u32(at + 8).toString(16)},icv=0x`);
  d.printHex(at + 12, Math.max(0, size - 12));
  d.print('): ');
  return size;
}

/** Encapsulating security payload, RFC 4303 section 2: the rest is encrypted. */
function printEsp(d: Dissection, at: number, length: number): void {
  d.protocol = 'esp';
  if (!d.has(at, 9)) {
    d.print(' [|esp]');
    return;
  }
  d.print(`ESP(spi=${hexNumber(d.u32(at), 8)},seq=0x${d.u32(at + 4).toString(16)})`);
  d.print(`, length ${length}`);
}
