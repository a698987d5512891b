import type { RawSocket } from '../abi/decode-socket.ts';
import { formatIpv4, formatIpv6 } from '../packet/address.ts';

/** What a record has of a socket when there is no packet; absent where the family has no such thing. */
export interface SocketFields {
  readonly laddr: string | undefined;
  readonly lport: number | undefined;
  readonly raddr: string | undefined;
  readonly rport: number | undefined;
  /** `inet`, `inet6`, `unix`, ...; a number where xcap has no name. */
  readonly family: string;
  /** IPPROTO_*: 6 is TCP, 17 UDP. */
  readonly sockProtocol: number;
  /** `ESTABLISHED`, ...: UDP sockets have these states too. */
  readonly state: string;
}

/** include/linux/socket.h */
const FAMILIES = new Map([
  [1, 'unix'],
  [2, 'inet'],
  [10, 'inet6'],
  [16, 'netlink'],
  [17, 'packet'],
  [40, 'vsock'],
  [44, 'xdp'],
]);

/** include/net/tcp_states.h, without TCP_. */
const STATES = [
  ...['', 'ESTABLISHED', 'SYN_SENT', 'SYN_RECV', 'FIN_WAIT1', 'FIN_WAIT2', 'TIME_WAIT', 'CLOSE'],
  ...['CLOSE_WAIT', 'LAST_ACK', 'LISTEN', 'CLOSING', 'NEW_SYN_RECV', 'BOUND_INACTIVE'],
];

export function socketFields(socket: RawSocket): SocketFields {
  const { laddr, raddr } = socket;
  const isIp = laddr.length > 0;
  const format = (bytes: Uint8Array): string =>
    bytes.length === 4 ? formatIpv4(bytes, 0) : formatIpv6(bytes, 0);
  return {
    laddr: isIp ? format(laddr) : undefined,
    lport: isIp ? socket.lport : undefined,
    raddr: isIp ? format(raddr) : undefined,
    rport: isIp ? socket.rport : undefined,
    family: FAMILIES.get(socket.family) ?? String(socket.family),
    sockProtocol: socket.protocol,
    state: STATES[socket.state] || String(socket.state),
  };
}
