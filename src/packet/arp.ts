import { hexNumber, nameOf } from './dissection.ts';
import type { Dissection } from './dissection.ts';
import { ETHERTYPE, ETHERTYPE_NAMES } from './ethertypes.ts';

const HEADER_LENGTH = 8;

const HARDWARE_NAMES: Readonly<Record<number, string>> = {
  1: 'Ethernet',
  6: 'TokenRing',
  7: 'ArcNet',
  15: 'FrameRelay',
  19: 'ATM',
  23: 'Strip',
  24: 'IEEE 1394',
  32: 'InfiniBand',
};

const OPERATION_NAMES: Readonly<Record<number, string>> = {
  1: 'Request',
  2: 'Reply',
  3: 'Reverse Request',
  4: 'Reverse Reply',
  8: 'Inverse Request',
  9: 'Inverse Reply',
  10: 'NACK Reply',
};

/** RFC 826 and the reverse and inverse variants of RFC 903 and RFC 2390. */
export function printArp(d: Dissection, at: number, length: number): void {
  d.protocol = 'arp';
  d.need(at, HEADER_LENGTH);
  const hardware = d.u16(at);
  const protocol = d.u16(at + 2);
  const hardwareLength = d.u8(at + 4);
  const protocolLength = d.u8(at + 5);
  const operation = d.u16(at + 6);
  d.need(at, HEADER_LENGTH + 2 * (hardwareLength + protocolLength));
  if (!d.options.link) d.print('ARP, ');

  const isIp = protocol === ETHERTYPE.ipv4 || protocol === ETHERTYPE.trail;
  const verbose = d.options.verbose > 0;
  if (!isIp || protocolLength !== 4 || hardwareLength === 0 || verbose) {
    const hardwareText = nameOf(HARDWARE_NAMES, hardware, `Unknown Hardware (${hardware})`);
    const unknown = `Unknown Protocol (${hexNumber(protocol, 4)})`;
    const protocolText = nameOf(ETHERTYPE_NAMES, protocol, unknown);
    d.print(`${hardwareText} (len ${hardwareLength}), ${protocolText} (len ${protocolLength})`);
    if (!verbose) {
      d.print(`, length ${length}`);
      return;
    }
    d.print(', ');
  }
  d.print(`${nameOf(OPERATION_NAMES, operation, `Unknown (${operation})`)} `);

  const senderHardware = at + HEADER_LENGTH;
  const senderProtocol = senderHardware + hardwareLength;
  const targetHardware = senderProtocol + protocolLength;
  const targetProtocol = targetHardware + hardwareLength;
  const address = (offset: number): string => {
    if (!isIp) return '<wrong proto type>';
    return protocolLength === 4 ? d.ipv4(offset) : '<wrong len>';
  };
  const station = (offset: number): string =>
    hardwareLength === 0 ? '<empty>' : d.hex(offset, hardwareLength, ':');

  switch (operation) {
    case 1: {
      const known = d.data.subarray(targetHardware, targetProtocol).some((byte) => byte !== 0);
      const hint = known ? ` (${station(targetHardware)})` : '';
      d.print(`who-has ${address(targetProtocol)}${hint} tell ${address(senderProtocol)}`);
      break;
    }
    case 2:
      d.print(`${address(senderProtocol)} is-at ${station(senderHardware)}`);
      break;
    case 3:
    case 8:
      d.print(`who-is ${station(targetHardware)} tell ${station(senderHardware)}`);
      break;
    case 4:
      d.print(`${station(targetHardware)} at ${address(targetProtocol)}`);
      break;
    case 9:
      d.print(`${station(senderHardware)} at ${address(senderProtocol)}`);
      break;
    default:
      d.text = d.text.trimEnd();
  }
  d.print(`, length ${length}`);
}
