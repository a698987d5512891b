import { nearest } from '../util/nearest.ts';
import { badValue } from './values.ts';

/** DLT_ numbers of pcap/dlt.h (libpcap) that an expression can be compiled for, by name. */
const LINK_TYPES: ReadonlyMap<string, number> = new Map([
  ['NULL', 0],
  ['EN10MB', 1],
  ['IEEE802', 6],
  ['ARCNET', 7],
  ['SLIP', 8],
  ['PPP', 9],
  ['FDDI', 10],
  ['RAW', 12],
  ['PPP_SERIAL', 50],
  ['PPP_ETHER', 51],
  ['C_HDLC', 104],
  ['IEEE802_11', 105],
  ['FRELAY', 107],
  ['LOOP', 108],
  ['LINUX_SLL', 113],
  ['PFLOG', 117],
  ['IP_OVER_FC', 122],
  ['IEEE802_11_RADIO', 127],
  ['ARCNET_LINUX', 129],
  ['USB_LINUX', 189],
  ['PPI', 192],
  ['MPLS', 219],
  ['IPV4', 228],
  ['IPV6', 229],
  ['NFLOG', 239],
  ['LINUX_SLL2', 276],
]);

/** @param name in any case @throws UsageError */
export function linkTypeNumber(spelled: string, name: string): number {
  const number = LINK_TYPES.get(name.toUpperCase());
  if (number !== undefined) return number;
  const near = nearest(name, LINK_TYPES.keys());
  const hint =
    near.length > 0 ? `did you mean ${near.join(' or ')}?` : 'EN10MB or RAW, for example';
  throw badValue(spelled, name, 'no such link type', hint);
}

/** Every link type that an expression may be meant for. */
export const linkTypeNumbers = (): readonly number[] => [...LINK_TYPES.values()];

/** Its name; its number where it has none here. */
export function linkTypeName(linkType: number): string {
  for (const [name, number] of LINK_TYPES) if (number === linkType) return name;
  return String(linkType);
}
