import koffi from 'koffi';
import type { RawProgram } from '../../../../src/filter/cbpf.ts';

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;
const MSG_DONTWAIT = 0x40;

/** The running kernel's own cBPF, through a filter on a Unix socket: needs no privilege. */
export interface KernelFilter {
  /** @returns bytes left of the packet, undefined when it was rejected */
  run(packet: Uint8Array): number | undefined;
  close(): void;
}

/** @returns undefined when the kernel refuses the program */
export function attachToSocket(program: RawProgram): KernelFilter | undefined {
  const libc = koffi.load('libc.so.6');
  const socketpair = libc.func('int socketpair(int domain, int type, int protocol, void *fds)') as (
    ...args: unknown[]
  ) => number;
  const setsockopt = libc.func(
    'int setsockopt(int fd, int level, int name, void *value, uint32_t size)',
  ) as (...args: unknown[]) => number;
  const send = libc.func('int64_t send(int fd, void *bytes, size_t size, int flags)') as (
    ...args: unknown[]
  ) => number;
  const recv = libc.func('int64_t recv(int fd, void *bytes, size_t size, int flags)') as (
    ...args: unknown[]
  ) => number;
  const close = libc.func('int close(int fd)') as (fd: number) => number;

  const fds = new Int32Array(2);
  if (socketpair(AF_UNIX, SOCK_DGRAM, 0, fds) !== 0) throw new Error('socketpair failed');
  const [sender = -1, receiver = -1] = fds;
  const insns = new DataView(new ArrayBuffer(program.length * 8));
  program.forEach(({ code, jt, jf, k }, i) => {
    insns.setUint16(i * 8, code, true);
    insns.setUint8(i * 8 + 2, jt);
    insns.setUint8(i * 8 + 3, jf);
    insns.setUint32(i * 8 + 4, k, true);
  });
  const bytes = new Uint8Array(insns.buffer);
  const fprog = new DataView(new ArrayBuffer(16));
  fprog.setUint16(0, program.length, true);
  fprog.setBigUint64(8, koffi.address(bytes), true);
  const attached = setsockopt(
    receiver,
    SOL_SOCKET,
    SO_ATTACH_FILTER,
    new Uint8Array(fprog.buffer),
    16,
  );
  // Referenced until the call is over.
  if (bytes.length === 0 || attached !== 0) {
    close(sender);
    close(receiver);
    return undefined;
  }
  const buffer = new Uint8Array(1 << 16);
  return {
    run(packet) {
      buffer.set(packet);
      if (send(sender, buffer, packet.length, 0) !== packet.length) {
        throw new Error('send failed');
      }
      const left = recv(receiver, buffer, buffer.length, MSG_DONTWAIT);
      return left < 0 ? undefined : left;
    },
    close() {
      close(sender);
      close(receiver);
    },
  };
}
