import { hexNumber, nameOf } from './dissection.ts';
import type { Dissection } from './dissection.ts';
import { ETHERTYPE_NAMES } from './ethertypes.ts';
import { printStp } from './stp.ts';

const SAP = { null: 0x00, global: 0xff, ip: 0x06, stp: 0x42, snap: 0xaa } as const;

const SAP_NAMES: Readonly<Record<number, string>> = {
  0x00: 'Null',
  0x02: '802.1B I',
  0x03: '802.1B G',
  0x04: 'SNA',
  0x06: 'IP',
  0x0e: 'ProWay NM',
  0x42: 'STP',
  0x4e: 'RS511',
  0x7e: 'ISO8208',
  0x8e: 'ProWay',
  0xaa: 'SNAP',
  0xe0: 'IPX',
  0xf0: 'NetBeui',
  0xfe: 'OSI',
  0xff: 'Global',
};

const UNNUMBERED_NAMES: Readonly<Record<number, string>> = {
  0x03: 'ui',
  0xe3: 'test',
  0xaf: 'xid',
  0x63: 'ua',
  0x43: 'disc',
  0x0f: 'dm',
  0x6f: 'sabme',
  0x87: 'frmr',
};

const SUPERVISORY_NAMES = ['Receiver Ready', 'Receiver not Ready', 'Reject', '?'] as const;

const UNNUMBERED_INFORMATION = 0x03;
const UNNUMBERED_POLL = 0x10;
const NUMBERED_POLL = 0x0100;
/** Lowest bit of a SAP: group address (destination), response (source). */
const SAP_FLAG = 0x01;
const XID = 0xaf;
const XID_FORMAT = 0x81;

/** OUIs whose protocol id is an EtherType. */
const OUI_ETHERNET = 0x000000;
const OUI_CISCO_BRIDGED = 0x0000f8;
const OUI_CISCO = 0x00000c;
const OUI_APPLETALK = 0x080007;

const OUI_NAMES: Readonly<Record<number, string>> = {
  0x000000: 'Ethernet',
  0x00000c: 'Cisco',
  0x00005e: 'IANA',
  0x000081: 'Nortel Networks SONMP',
  0x0000f8: 'Cisco bridged',
  0x0080c2: 'Ethernet bridged',
  0x00a03e: 'ATM Forum',
  0x00e02f: 'DOCSIS Spanning Tree',
  0x080007: 'Appletalk',
  0x0012bb: 'ANSI/TIA',
};

const CISCO_NAMES: Readonly<Record<number, string>> = {
  0x010b: 'PVST',
  0x010c: 'VLAN Bridge',
  0x0111: 'UDLD',
  0x2000: 'CDP',
  0x2003: 'VTP',
  0x2004: 'DTP',
};

/**
 * IEEE 802.2 logical link control, after an 802.3 length.
 * @param frame offset of the Ethernet header, for its addresses
 * @returns the length of the LLC and SNAP headers
 */
export function printLlc(d: Dissection, at: number, length: number, frame: number): number {
  d.protocol = 'llc';
  if (!d.has(at, 3) || length < 3) {
    d.print(' [|llc]');
    return Math.min(d.available(at), length);
  }
  let control = d.u8(at + 2);
  const unnumbered = (control & 3) === 3;
  const headerLength = unnumbered ? 3 : 4;
  if (!d.has(at, headerLength) || length < headerLength) {
    d.print(' [|llc]');
    return Math.min(d.available(at), length);
  }
  // The two-byte control field is little-endian.
  if (!unnumbered) control |= d.u8(at + 3) << 8;

  const destination = d.u8(at);
  const source = d.u8(at + 1);
  if (destination === SAP.global && source === SAP.global) {
    d.print(`${d.options.link ? 'IPX 802.3: ' : ''}IPX, length ${length}`);
    return 0;
  }
  const dsap = destination & ~SAP_FLAG;
  const ssap = source & ~SAP_FLAG;
  if (d.options.link) {
    const group = (destination & SAP_FLAG) === 0 ? 'Individual' : 'Group';
    d.print(
      `LLC, dsap ${nameOf(SAP_NAMES, dsap, 'Unknown')} (${hexNumber(dsap, 2)}) ${group}, ` +
        `ssap ${nameOf(SAP_NAMES, ssap, 'Unknown')} (${hexNumber(ssap, 2)}) ` +
        `${(source & SAP_FLAG) === 0 ? 'Command' : 'Response'}, ` +
        `ctrl ${hexNumber(control, unnumbered ? 2 : 4)}: `,
    );
  }
  const payload = at + headerLength;
  if (dsap === ssap && control === UNNUMBERED_INFORMATION) {
    if (dsap === SAP.snap) {
      printSnap(d, payload, length - headerLength, frame);
      return headerLength + 5;
    }
    if (dsap === SAP.stp) {
      printStp(d, payload, length - headerLength);
      return headerLength;
    }
    if (dsap === SAP.ip) {
      d.layers.ipv4(d, payload, length - headerLength);
      return headerLength;
    }
  }
  if (!d.options.link) {
    const dsapText = nameOf(SAP_NAMES, dsap, `Unknown DSAP ${hexNumber(dsap, 2)}`);
    const ssapText =
      dsap === ssap ? '' : `${nameOf(SAP_NAMES, ssap, `Unknown SSAP ${hexNumber(ssap, 2)}`)} `;
    d.print(`${d.mac(frame + 6)} ${ssapText}> ${d.mac(frame)} ${dsapText} `);
  }
  printControl(d, control, unnumbered, source & SAP_FLAG, length);
  if (unnumbered && (control & ~UNNUMBERED_POLL) === XID && length > headerLength) {
    d.protocol = 'llc';
    if (d.u8(payload) === XID_FORMAT) d.print(`: ${d.hex(payload + 1, 2, ' ')}`);
  }
  return headerLength;
}

function printControl(
  d: Dissection,
  control: number,
  unnumbered: boolean,
  response: number,
  length: number,
): void {
  const poll = (control & (unnumbered ? UNNUMBERED_POLL : NUMBERED_POLL)) !== 0;
  const flags = response === 0 ? (poll ? 'Poll' : 'Command') : poll ? 'Final' : 'Response';
  const tail = `, Flags [${flags}], length ${length}`;
  if (unnumbered) {
    const command = control & 0xef;
    const name = nameOf(UNNUMBERED_NAMES, command, command.toString(16).padStart(2, '0'));
    d.print(`Unnumbered, ${name}${tail}`);
    return;
  }
  const received = (control >>> 9) & 0x7f;
  if ((control & 1) === 1) {
    const name = SUPERVISORY_NAMES[((control >>> 2) & 3) as 0 | 1 | 2 | 3];
    d.print(`Supervisory, ${name}, rcv seq ${received}${tail}`);
  } else {
    d.print(`Information, send seq ${(control >>> 1) & 0x7f}, rcv seq ${received}${tail}`);
  }
}

/** Subnetwork access protocol, IEEE 802 clause 9. */
function printSnap(d: Dissection, at: number, length: number, frame: number): void {
  d.protocol = 'snap';
  if (!d.has(at, 5) || length < 5) {
    d.print(' [|snap]');
    return;
  }
  const oui = d.u24(at);
  const type = d.u16(at + 3);
  const payload = length - 5;
  const names =
    oui === OUI_CISCO
      ? CISCO_NAMES
      : oui === OUI_ETHERNET || oui === OUI_CISCO_BRIDGED || oui === OUI_APPLETALK
        ? ETHERTYPE_NAMES
        : {};
  const typeText = `${nameOf(names, type, 'Unknown')} (${hexNumber(type, 4)}), length ${payload}`;
  const ouiText = `oui ${nameOf(OUI_NAMES, oui, 'Unknown')} (${hexNumber(oui, 6)})`;
  const start = d.text;
  if (d.options.link) {
    d.print(`${ouiText}, ${oui === OUI_ETHERNET ? 'ethertype' : 'pid'} ${typeText}: `);
  }
  const encapsulated = oui === OUI_ETHERNET || oui === OUI_CISCO_BRIDGED;
  if (encapsulated && d.layers.ethertype(d, type, at + 5, payload)) return;
  if (d.options.link) {
    d.text = d.text.slice(0, -2);
    return;
  }
  d.text = start;
  d.print(`${d.mac(frame + 6)} > ${d.mac(frame)} SNAP, `);
  d.print(`${oui === OUI_ETHERNET ? 'ethertype' : `${ouiText}, pid`} ${typeText}`);
}
