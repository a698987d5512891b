import { checksumShouldBe, onesComplementSum } from './checksum.ts';
import { flagNames, nameOf, TRUNCATED } from './dissection.ts';
import type { Dissection } from './dissection.ts';
import { printIpPayload, printsOwnAddresses } from './ip-payload.ts';
import { finalDestination, printIpv4Options } from './ipv4-options.ts';
import { PROTOCOL_NAMES } from './protocols.ts';

const MIN_HEADER = 20;
const MAX_LENGTH = 0xffff;
const OFFSET_MASK = 0x1fff;
const MORE_FRAGMENTS = 0x2000;
const FRAGMENT_FLAGS = [
  [0x2000, '+'],
  [0x4000, 'DF'],
  [0x8000, 'rsvd'],
] as const;
/** RFC 3168 section 5. */
const ECN_TEXT = ['', ',ECT(1)', ',ECT(0)', ',CE'] as const;

/** IPv4 (RFC 791): header details with -v, addresses, and what it carries. */
export function printIpv4(d: Dissection, at: number, length: number): void {
  d.protocol = 'ip';
  const version = d.u8(at) >>> 4;
  if (version !== 4) {
    d.print(version === 6 ? 'IP6, wrong link-layer encapsulation' : `IP${version}`);
    d.print(' (invalid)');
    return;
  }
  if (!d.options.link) d.print('IP ');
  d.need(at, MIN_HEADER);
  if (length < MIN_HEADER) {
    d.print(`truncated-ip ${length}`);
    return;
  }
  const headerLength = (d.u8(at) & 0x0f) * 4;
  if (headerLength < MIN_HEADER) {
    d.print(`bad-hlen ${headerLength}`);
    return;
  }
  let total = d.u16(at + 2);
  if (length < total) d.print(`truncated-ip - ${total - length} bytes missing! `);
  if (total < headerLength) {
    if (total !== 0 || length <= MAX_LENGTH) {
      d.print(`bad-len ${total}`);
      return;
    }
    // Segmentation offload leaves zero in packets too large for the field.
    total = length;
  }
  const outerEnd = d.end;
  d.end = Math.min(d.end, at + total);
  printDatagram(d, at, headerLength, total - headerLength);
  d.end = outerEnd;
}

function printDatagram(d: Dissection, at: number, headerLength: number, payload: number): void {
  const fragment = d.u16(at + 6);
  const protocol = d.u8(at + 9);
  const src = d.ipv4(at + 12);
  const dst = d.ipv4(at + 16);
  if (d.options.verbose > 0 && !printHeader(d, at, headerLength, fragment, protocol)) {
    d.print(`${src} > ${dst}:  [|ip]`);
    return;
  }
  if ((fragment & OFFSET_MASK) !== 0) {
    d.print(`${src} > ${dst}: ip-proto-${protocol}`);
    return;
  }
  if (!printsOwnAddresses(protocol)) d.print(`${src} > ${dst}: `);
  if (!d.has(at, headerLength)) {
    d.print(` [remaining caplen(${d.available(at)}) < header length(${headerLength})]`);
    throw TRUNCATED;
  }
  printIpPayload(d, at + headerLength, payload, protocol, {
    version: 4,
    src,
    dst,
    header: at,
    destination: headerLength > MIN_HEADER ? finalDestination(d, at, headerLength) : at + 16,
    protocol,
    fragmented: (fragment & MORE_FRAGMENTS) !== 0,
  });
}

/** The parenthesis of -v; false when the options are cut. */
function printHeader(
  d: Dissection,
  at: number,
  headerLength: number,
  fragment: number,
  protocol: number,
): boolean {
  const tos = d.u8(at + 1);
  const ttl = d.u8(at + 8);
  const flags = flagNames(FRAGMENT_FLAGS, fragment, ', ', 'none');
  d.print(
    `(tos 0x${tos.toString(16)}${ECN_TEXT[(tos & 3) as 0 | 1 | 2 | 3]}${ttl > 0 ? `, ttl ${ttl}` : ''}` +
      `, id ${d.u16(at + 4)}, offset ${(fragment & OFFSET_MASK) * 8}, flags [${flags}]` +
      `, proto ${nameOf(PROTOCOL_NAMES, protocol, 'unknown')} (${protocol})` +
      `, length ${d.u16(at + 2)}`,
  );
  let complete = true;
  if (headerLength > MIN_HEADER) {
    d.print(', options (');
    complete = printIpv4Options(d, at + MIN_HEADER, headerLength - MIN_HEADER);
    d.print(complete ? ')' : ' [truncated-option])');
  }
  if (d.has(at, headerLength)) {
    const checksum = d.u16(at + 10);
    const right = checksumShouldBe(checksum, onesComplementSum(d.data, at, headerLength));
    if (right !== undefined) {
      d.print(`, bad cksum ${checksum.toString(16)} (->${right.toString(16)})!`);
    }
  }
  d.print(')\n    ');
  return complete;
}
