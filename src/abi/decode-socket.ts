import { SOCKET_FIELDS } from './events.ts';

/** A socket's addresses as the program sent them. */
export interface RawSocket {
  /** Four bytes for IPv4, 16 for IPv6, none for other families. */
  readonly laddr: Uint8Array;
  readonly raddr: Uint8Array;
  readonly lport: number;
  readonly rport: number;
  readonly family: number;
  readonly protocol: number;
  readonly state: number;
}

const AT = Object.fromEntries(SOCKET_FIELDS.map(({ name, offset }) => [name, offset]));
const at = (name: string): number => AT[name] ?? 0;

/** Bytes of an address by family: AF_INET, AF_INET6 of include/linux/socket.h. */
const ADDRESS_BYTES = new Map([
  [2, 4],
  [10, 16],
]);

/** @param bytes SOCKET_BYTES of them, copied from */
export function decodeSocket(bytes: Uint8Array): RawSocket {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const family = view.getUint16(at('family'), true);
  const length = ADDRESS_BYTES.get(family) ?? 0;
  return {
    laddr: bytes.slice(at('laddr'), at('laddr') + length),
    raddr: bytes.slice(at('raddr'), at('raddr') + length),
    lport: view.getUint16(at('lport'), true),
    rport: view.getUint16(at('rport'), true),
    family,
    protocol: view.getUint16(at('protocol'), true),
    state: view.getUint8(at('state')),
  };
}
