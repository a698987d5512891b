import type { PacketType } from '../../records/record.ts';

export type HookDirection = 'inbound' | 'outbound';

/** Bits 0-1 and 2-4 of epb_flags: section 4.3.1 of the pcapng draft. */
const DIRECTION = { inbound: 1, outbound: 2 } as const;
const RECEPTION = { unicast: 1 << 2, multicast: 2 << 2, broadcast: 3 << 2, promiscuous: 4 << 2 };

/** For packets that came in; eth_type_trans() sets these. */
const RECEIVED = {
  host: DIRECTION.inbound | RECEPTION.unicast,
  broadcast: DIRECTION.inbound | RECEPTION.broadcast,
  multicast: DIRECTION.inbound | RECEPTION.multicast,
  otherhost: DIRECTION.inbound | RECEPTION.promiscuous,
  // Of our own packets, those that dev_loopback_xmit() hands back to us.
  loopback: DIRECTION.inbound,
  outgoing: DIRECTION.outbound,
} as const satisfies Record<PacketType, number>;

/**
 * The value of epb_flags; 0 when nothing is known.
 *
 * PACKET_HOST is 0, hence also what a packet of this host's own has on its way out: it says
 * "inbound" only where the hook sees no other packets.
 */
export function packetFlags(
  type: PacketType | undefined,
  direction: HookDirection | undefined,
): number {
  if (direction === 'outbound') return DIRECTION.outbound;
  if (type === undefined) return direction === undefined ? 0 : DIRECTION[direction];
  if (type === 'host' && direction === undefined) return 0;
  return RECEIVED[type];
}
