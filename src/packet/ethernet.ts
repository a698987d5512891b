import { hexNumber, nameOf } from './dissection.ts';
import type { Dissection } from './dissection.ts';
import { ETHERTYPE, ETHERTYPE_NAMES } from './ethertypes.ts';
import { printLlc } from './llc.ts';

const ADDRESSES_LENGTH = 12;
const HEADER_LENGTH = 14;
/** At or below this the field is the length of an 802.3 frame (IEEE 802.3 clause 3.2.6). */
const MAX_LENGTH_FIELD = 1500;

const VLAN_TYPES: ReadonlySet<number> = new Set([
  ETHERTYPE.vlan,
  ETHERTYPE.serviceVlan,
  ETHERTYPE.oldServiceVlan,
  ETHERTYPE.oldVlan,
]);

/** Prints the link header when asked for (-e), and what it carries. */
export function printEthernet(d: Dissection, at: number, length: number): void {
  d.protocol = 'ether';
  d.need(at, HEADER_LENGTH);
  const { link } = d.options;
  const addresses = `${d.mac(at + 6)} > ${d.mac(at)}, `;
  if (link) d.print(addresses);

  const printed = { header: false };
  const printType = (type: number): void => {
    d.print(typeText(d, type));
    d.print(printed.header ? ', ' : `, length ${length}: `);
    printed.header = true;
  };

  let offset = at + ADDRESSES_LENGTH;
  let type = d.u16(offset);
  offset += 2;
  while (VLAN_TYPES.has(type)) {
    if (!d.has(offset, 4) || length < offset + 4 - at) {
      d.print(' [|vlan]');
      setLinkHeaderLength(d, at, d.data.length);
      return;
    }
    if (link) {
      printType(type);
      d.print(`${vlanText(d.u16(offset))}, `);
    }
    type = d.u16(offset + 2);
    offset += 4;
  }
  setLinkHeaderLength(d, at, offset);

  let payload = length - (offset - at);
  if (type <= MAX_LENGTH_FIELD || type === ETHERTYPE.jumbo) {
    const outerEnd = d.end;
    if (type <= MAX_LENGTH_FIELD) {
      payload = Math.min(payload, type);
      d.end = Math.min(d.end, offset + payload);
      if (link) d.print(`802.3${printed.header ? '' : `, length ${payload}: `}`);
    }
    const llc = printLlc(d, offset, payload, at);
    if (at === 0) d.linkHeaderLength = offset + llc;
    d.end = outerEnd;
    return;
  }
  if (link) printType(type);
  if (d.layers.ethertype(d, type, offset, payload)) return;
  // Nothing to say of the payload: say whose frame it is instead, once.
  if (!link) d.print(`${addresses}${typeText(d, type)}, length ${length}`);
  else d.text = d.text.replace(/[:,] $/, '');
}

function setLinkHeaderLength(d: Dissection, at: number, offset: number): void {
  if (at === 0) d.linkHeaderLength = offset;
}

function typeText(d: Dissection, type: number): string {
  if (d.options.quiet) {
    return nameOf(ETHERTYPE_NAMES, type, `Unknown Ethertype (${hexNumber(type, 4)})`);
  }
  return `ethertype ${nameOf(ETHERTYPE_NAMES, type, 'Unknown')} (${hexNumber(type, 4)})`;
}

/** The tag control information of IEEE 802.1Q clause 9.6. */
function vlanText(tag: number): string {
  return `vlan ${tag & 0xfff}, p ${tag >>> 13}${(tag & 0x1000) === 0 ? '' : ', DEI'}`;
}
