import { isWithoutPacket } from '../records/record.ts';
import type { LinkType, PacketRecord } from '../records/record.ts';

export const ETHERNET_HEADER_BYTES = 14;
const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;
const ETHERTYPE_8021Q = 0x8100;
const ETHERTYPE_8021AD = 0x88a8;
/** Below this the kernel's ETH_P_ numbers are not ethertypes (include/uapi/linux/if_ether.h). */
const ETHERTYPE_MIN = 0x0600;

/**
 * Fits packets to the one link type of a file: libpcap refuses a file with two.
 * One object per sink; adapt() leaves its answer in the fields, so that a packet costs no garbage.
 */
export class LinkAdapter {
  readonly #file: LinkType;
  /** Bytes to put in front of the data: 0, or a zeroed Ethernet header with `etherType`. */
  prepend = 0;
  etherType = 0;
  /** Bytes of the data to leave out at its start. */
  skip = 0;
  /** Packets that got a zeroed header, for the summary. */
  zeroedHeaders = 0;
  /** Packets that a raw file cannot hold, for the summary. */
  unfit = 0;

  constructor(file: LinkType) {
    this.#file = file;
  }

  /** @returns false when the packet cannot be in this file (counted in `unfit`) */
  adapt(record: PacketRecord): boolean {
    this.prepend = 0;
    this.skip = 0;
    // A socket without a packet: no bytes, to which no header belongs.
    if (record.linkType === this.#file || isWithoutPacket(record)) return true;
    if (record.linkType === 'raw') {
      this.prepend = ETHERNET_HEADER_BYTES;
      this.etherType = etherTypeOf(record);
      this.zeroedHeaders += 1;
      return true;
    }
    this.skip = ipOffset(record.data);
    if (this.skip > 0) return true;
    this.unfit += 1;
    return false;
  }
}

/**
 * skb->protocol is still the inner packet's while a tunnel header is being pushed, so for IP the
 * version nibble decides; for ARP, MPLS and others only skb->protocol can tell.
 */
function etherTypeOf({ data, protocol }: PacketRecord): number {
  const named = protocol >= ETHERTYPE_MIN ? protocol : 0;
  if (named !== 0 && named !== ETHERTYPE_IPV4 && named !== ETHERTYPE_IPV6) return named;
  const version = (data[0] ?? 0) >> 4;
  if (version === 4) return ETHERTYPE_IPV4;
  if (version === 6) return ETHERTYPE_IPV6;
  return named;
}

/** Where the IP header of an Ethernet frame starts, past VLAN tags; 0 when there is none. */
function ipOffset(data: Uint8Array): number {
  for (let at = 12; at + 1 < data.length; at += 4) {
    const etherType = ((data[at] ?? 0) << 8) | (data[at + 1] ?? 0);
    if (etherType === ETHERTYPE_IPV4 || etherType === ETHERTYPE_IPV6) return at + 2;
    if (etherType !== ETHERTYPE_8021Q && etherType !== ETHERTYPE_8021AD) return 0;
  }
  return 0;
}
