import { checksumShouldBe, transportSum } from './checksum.ts';
import { hexNumber, TRUNCATED } from './dissection.ts';
import type { Dissection, IpContext } from './dissection.ts';
import { printGeneve } from './geneve.ts';
import { PROTOCOL } from './protocols.ts';
import { portsText } from './tcp.ts';
import { printVxlan } from './vxlan.ts';

const HEADER_LENGTH = 8;

/** Tunnels only: other well-known ports are not dissected. */
const TUNNELS: Readonly<Record<number, (d: Dissection, at: number, length: number) => void>> = {
  4789: printVxlan,
  // The port of Linux's vxlan driver before RFC 7348, still its default and flannel's.
  8472: printVxlan,
  6081: printGeneve,
};

/** UDP, RFC 768, and the tunnels that use it. */
export function printUdp(d: Dissection, at: number, length: number, ip: IpContext): void {
  d.protocol = 'udp';
  if (!d.has(at, 4)) {
    if (ip.protocol === PROTOCOL.udp) d.print(`${ip.src} > ${ip.dst}: `);
    throw TRUNCATED;
  }
  const sport = d.u16(at);
  const dport = d.u16(at + 2);
  d.print(portsText(ip, PROTOCOL.udp, sport, dport));
  if (length < HEADER_LENGTH) {
    d.print(`truncated-udp ${length}`);
    return;
  }
  let udpLength = d.u16(at + 4);
  // RFC 2675 section 4: a jumbo datagram.
  if (udpLength === 0 && length > 0xffff) udpLength = length;
  if (udpLength < HEADER_LENGTH) {
    d.print(`truncated-udplength ${udpLength}`);
    return;
  }
  d.need(at, HEADER_LENGTH);
  const announced = udpLength - HEADER_LENGTH;
  const payload = Math.min(announced, length - HEADER_LENGTH);
  const verbose = d.options.verbose > (ip.version === 4 ? 1 : 0);
  if (verbose && !ip.fragmented) {
    d.print(checksumText(d, at, payload + HEADER_LENGTH, ip));
  }
  const tunnel = d.options.quiet ? undefined : (TUNNELS[dport] ?? TUNNELS[sport]);
  if (tunnel !== undefined) {
    tunnel(d, at + HEADER_LENGTH, payload);
  } else if (announced > payload && !ip.fragmented) {
    d.print(`UDP, bad length ${announced} > ${payload}`);
  } else {
    d.print(`UDP, length ${announced}`);
  }
}

function checksumText(d: Dissection, at: number, length: number, ip: IpContext): string {
  const checksum = d.u16(at + 6);
  if (checksum === 0 && ip.version === 4) return '[no cksum] ';
  if (!d.has(at, length)) return '';
  const right = checksumShouldBe(checksum, transportSum(d, ip, PROTOCOL.udp, at, length));
  if (right === undefined) return '[udp sum ok] ';
  return `[bad udp cksum ${hexNumber(checksum, 4)} -> ${hexNumber(right, 4)}!] `;
}
