import { flagNames, hexNumber, nameOf } from './dissection.ts';
import type { Dissection } from './dissection.ts';
import { ETHERTYPE, ETHERTYPE_NAMES } from './ethertypes.ts';

const HEADER_LENGTH = 8;
const FLAGS = [
  [0x80, 'O'],
  [0x40, 'C'],
  [0x20, 'R1'],
  [0x10, 'R2'],
  [0x08, 'R3'],
  [0x04, 'R4'],
  [0x02, 'R5'],
  [0x01, 'R6'],
] as const;

const OPTION_CLASSES: Readonly<Record<number, string>> = {
  0x0100: 'Linux',
  0x0101: 'Open vSwitch',
  0x0102: 'Open Virtual Networking (OVN)',
  0x0103: 'In-band Network Telemetry (INT)',
  0x0104: 'VMware',
};

/** RFC 8926 section 3.4. */
export function printGeneve(d: Dissection, at: number, length: number): void {
  d.protocol = 'geneve';
  d.print('Geneve');
  if (length < HEADER_LENGTH) {
    d.print(` [length ${length} < 8] (invalid)`);
    return;
  }
  d.need(at, HEADER_LENGTH);
  const first = d.u8(at);
  if (first >>> 6 !== 0) {
    d.print(` ERROR: unknown-version ${first >>> 6}`);
    return;
  }
  const type = d.u16(at + 2);
  const reserved = d.u8(at + 7);
  d.print(`, Flags [${flagNames(FLAGS, d.u8(at + 1), '', 'none')}]`);
  d.print(`, vni 0x${d.u24(at + 4).toString(16)}`);
  if (reserved !== 0) d.print(`, rsvd 0x${reserved.toString(16)}`);
  if (d.options.link) {
    d.print(`, proto ${nameOf(ETHERTYPE_NAMES, type, 'unknown')} (${hexNumber(type, 4)})`);
  }
  const optionsLength = (first & 0x3f) * 4;
  const payload = length - HEADER_LENGTH - optionsLength;
  if (payload < 0) {
    d.print(` truncated-geneve - ${-payload} bytes missing`);
    return;
  }
  const options = at + HEADER_LENGTH;
  d.need(options, optionsLength);
  if (optionsLength > 0) {
    const verbose = d.options.verbose > 0;
    d.print(
      `, options [${verbose ? optionsText(d, options, optionsLength) : `${optionsLength} bytes`}]`,
    );
  }
  d.print(d.options.verbose > 0 ? '\n\t' : ': ');
  const inner = options + optionsLength;
  if (d.layers.ethertype(d, type, inner, payload)) return;
  if (type === ETHERTYPE.bridgedEthernet) d.layers.ethernet(d, inner, payload);
  else d.print(`geneve-proto-0x${type.toString(16)}`);
}

function optionsText(d: Dissection, at: number, length: number): string {
  const options: string[] = [];
  for (let offset = at; offset < at + length;) {
    const optionClass = d.u16(offset);
    const type = d.u8(offset + 2);
    const size = 4 + (d.u8(offset + 3) & 0x1f) * 4;
    const text =
      `class ${className(optionClass)} (0x${optionClass.toString(16)}) ` +
      `type 0x${type.toString(16)}${(type & 0x80) === 0 ? '' : '(C)'} len ${size}`;
    if (offset + size > at + length) {
      options.push(`${text} [bad length]`);
      break;
    }
    const data = d.options.verbose > 1 && size > 4 ? ` data ${words(d, offset + 4, size - 4)}` : '';
    options.push(text + data);
    offset += size;
  }
  return options.join(', ');
}

function className(optionClass: number): string {
  if (optionClass <= 0x00ff) return 'Standard';
  if (optionClass >= 0xfff0) return 'Experimental';
  return nameOf(OPTION_CLASSES, optionClass, 'Unknown');
}

function words(d: Dissection, at: number, length: number): string {
  const list: string[] = [];
  for (let i = at; i < at + length; i += 4) list.push(d.hex(i, 4));
  return list.join(' ');
}
