import type { PacketRecord } from '../records/record.ts';

const PROTOCOLS = new Map([
  [1, 'ICMP'],
  [6, 'TCP'],
  [17, 'UDP'],
  [58, 'ICMP6'],
  [132, 'SCTP'],
  [262, 'MPTCP'],
]);

/** What a line says in the place of a packet: `socket TCP 10.0.0.1.4242 > 10.0.0.2.80 ESTABLISHED`. */
export function socketText(record: PacketRecord): string {
  const { laddr, lport, raddr, rport, family, sockProtocol, state } = record;
  if (laddr === undefined) return `socket of family ${family ?? '?'}`;
  const protocol = PROTOCOLS.get(sockProtocol ?? 0) ?? `protocol ${sockProtocol ?? 0}`;
  return `socket ${protocol} ${laddr}.${lport ?? 0} > ${raddr ?? ''}.${rport ?? 0} ${state ?? ''}`;
}
