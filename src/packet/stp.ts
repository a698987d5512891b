import { flagNames, hexNumber, nameOf } from './dissection.ts';
import type { Dissection } from './dissection.ts';

const VERSIONS: Readonly<Record<number, string>> = {
  0: '802.1d',
  2: '802.1w',
  3: '802.1s',
  4: '802.1aq',
};
const TYPES: Readonly<Record<number, string>> = {
  0x00: 'Config',
  0x02: 'Rapid STP',
  0x80: 'Topology Change',
};
const FLAGS = [
  [0x01, 'Topology change'],
  [0x02, 'Proposal'],
  [0x10, 'Learn'],
  [0x20, 'Forward'],
  [0x40, 'Agreement'],
  [0x80, 'Topology change ACK'],
] as const;

const PORT_ROLES = ['Unknown', 'Alternate', 'Root', 'Designated'] as const;

/** Spanning tree BPDU (IEEE 802.1D clause 9); the trees of MSTP and SPB are not listed. */
export function printStp(d: Dissection, at: number, length: number): void {
  d.protocol = 'stp';
  if (length < 4) {
    d.print(' (invalid)');
    return;
  }
  if (d.u16(at) !== 0) {
    d.print(`unknown STP version, length ${length}`);
    return;
  }
  const version = d.u8(at + 2);
  d.print(`STP ${nameOf(VERSIONS, version, `Unknown STP protocol (${hexNumber(version, 2)})`)}`);
  if (VERSIONS[version] === undefined) return;
  const type = d.u8(at + 3);
  d.print(`, ${nameOf(TYPES, type, `Unknown BPDU Type (${hexNumber(type, 2)})`)}`);
  if (type === 0x00 || (type === 0x02 && version === 2)) {
    if (length < (type === 0x00 ? 35 : 36)) {
      d.print(' (invalid)');
      return;
    }
    d.print(`, Flags [${flagNames(FLAGS, d.u8(at + 4), ', ', 'none')}]`);
    d.print(`, bridge-id ${bridgeText(d, at + 17)}.${d.hex(at + 25, 2)}, length ${length}`);
    if (d.options.verbose > 0) printTimers(d, at, version);
  } else if (type === 0x02) {
    d.print(`, length ${length}`);
  }
}

/** Priority and address. */
function bridgeText(d: Dissection, at: number): string {
  return `${d.hex(at, 2)}.${d.hex(at + 2, 6, ':')}`;
}

/** Times are in units of 1/256 second. */
function printTimers(d: Dissection, at: number, version: number): void {
  const seconds = (offset: number): string => `${(d.u16(at + offset) / 256).toFixed(2)}s`;
  d.print(
    `\n\tmessage-age ${seconds(27)}, max-age ${seconds(29)}` +
      `, hello-time ${seconds(31)}, forwarding-delay ${seconds(33)}`,
  );
  d.print(`\n\troot-id ${bridgeText(d, at + 5)}, root-pathcost ${d.u32(at + 13)}`);
  const role = PORT_ROLES[((d.u8(at + 4) >>> 2) & 3) as 0 | 1 | 2 | 3];
  if (version === 2) d.print(`, port-role ${role}`);
}
