import { hexNumber, nameOf, TRUNCATED } from './dissection.ts';
import type { Dissection } from './dissection.ts';
import { printIpPayload, printsOwnAddresses } from './ip-payload.ts';
import {
  printDestinationOptions,
  printFragment,
  printHopByHop,
  printRouting,
} from './ipv6-extensions.ts';
import type { Extension } from './ipv6-extensions.ts';
import { PROTOCOL, PROTOCOL_NAMES } from './protocols.ts';

const HEADER_LENGTH = 40;
const MAX_LENGTH = 0xffff + HEADER_LENGTH;

/** IPv6 (RFC 8200): header details with -v, addresses, extension headers, and what it carries. */
export function printIpv6(d: Dissection, at: number, length: number): void {
  d.protocol = 'ip6';
  d.need(at, HEADER_LENGTH);
  if (length < HEADER_LENGTH) {
    d.print(`truncated-ip6 ${length}`);
    return;
  }
  if (!d.options.link) d.print('IP6 ');
  const flow = d.u32(at);
  if (flow >>> 28 !== 6) {
    d.print(`version error: ${flow >>> 28} != 6`);
    return;
  }
  const payloadLength = d.u16(at + 4);
  // Zero stands for a jumbo payload (RFC 2675), whose length is in the hop-by-hop options.
  const total = payloadLength === 0 ? length : payloadLength + HEADER_LENGTH;
  if (length < total) d.print(`truncated-ip6 - ${total - length} bytes missing!`);
  const next = d.u8(at + 6);
  if (d.options.verbose > 0) {
    const trafficClass = (flow >>> 20) & 0xff;
    const label = flow & 0xfffff;
    d.print(
      `(${trafficClass === 0 ? '' : `class ${hexNumber(trafficClass, 2)}, `}` +
        (label === 0 ? '' : `flowlabel ${hexNumber(label, 5)}, `) +
        `hlim ${d.u8(at + 7)}, next-header ${nameOf(PROTOCOL_NAMES, next, 'unknown')} (${next}) ` +
        `payload length: ${payloadLength}) `,
    );
  }
  const outerEnd = d.end;
  d.end = Math.min(d.end, at + total);
  printChain(d, at, total, payloadLength, outerEnd);
  d.end = outerEnd;
}

/** The extension headers one after the other, then the payload. */
function printChain(
  d: Dissection,
  at: number,
  total: number,
  payloadLength: number,
  outerEnd: number,
): void {
  const src = d.ipv6(at + 8);
  const dst = d.ipv6(at + 24);
  const protocol = d.u8(at + 6);
  if (!printsOwnAddresses(protocol)) d.print(`${src} > ${dst}: `);
  let next = protocol;
  let offset = at + HEADER_LENGTH;
  let length = total - HEADER_LENGTH;
  let destination = at + 24;
  let routed = false;
  let fragmented = false;
  let jumbo = 0;
  // Segmentation offload leaves zero in packets too large for the field, without an option.
  const isEmpty = payloadLength === 0 && total <= MAX_LENGTH;
  for (;;) {
    let extension: Extension | undefined;
    switch (next) {
      case PROTOCOL.hopByHop:
        if (offset !== at + HEADER_LENGTH) {
          d.print("[The Hop-by-Hop Options header don't follow the IPv6 header] (invalid)");
          return;
        }
        extension = printHopByHop(d, offset, payloadLength);
        jumbo = extension?.jumbo ?? 0;
        if (extension !== undefined && isEmpty && jumbo === 0) {
          d.print('[No valid Jumbo Payload Hop-by-Hop option found] (invalid)');
          return;
        }
        break;
      case PROTOCOL.destinationOptions:
        extension = printDestinationOptions(d, offset);
        break;
      case PROTOCOL.routing:
        extension = printRouting(d, offset);
        // Only the first one counts: RFC 8200 allows a single routing header.
        if (!routed) destination = extension?.destination ?? destination;
        routed = true;
        break;
      case PROTOCOL.fragment:
        extension = printFragment(d, offset, at + total);
        fragmented = true;
        break;
      default:
        if (jumbo > 0) {
          const whole = jumbo + HEADER_LENGTH;
          if (total < whole) d.print(`truncated-ip6 - ${whole - total} bytes missing!`);
          d.end = Math.min(outerEnd, at + whole);
          length = whole - (offset - at);
        } else if (isEmpty) {
          // What follows can only be padding.
          if (offset !== at + HEADER_LENGTH) throw TRUNCATED;
          d.end = Math.min(d.end, offset);
          length = 0;
        }
        printIpPayload(d, offset, length, next, {
          version: 6,
          src,
          dst,
          header: at,
          destination,
          protocol,
          fragmented,
        });
        return;
    }
    d.protocol = 'ip6';
    if (extension === undefined) return;
    next = d.u8(offset);
    if (length < extension.size) throw TRUNCATED;
    offset += extension.size;
    length -= extension.size;
  }
}
