import koffi from 'koffi';
import type { RawInsn, RawProgram } from '../../../src/filter/cbpf.ts';

const [AF_UNIX, SOCK_DGRAM, SOL_SOCKET, SO_ATTACH_FILTER] = [1, 2, 1, 26];
/** Datagrams of one sendmmsg(2). */
const TOGETHER = 512;
/** struct mmsghdr: struct msghdr (56 bytes), msg_len. */
const MMSGHDR = 64;

const libc = koffi.load('libc.so.6');
const call = (prototype: string) => libc.func(prototype) as (...args: unknown[]) => number;
const socketpair = call('int socketpair(int domain, int type, int protocol, void *fds)');
const setsockopt = call('int setsockopt(int fd, int level, int name, void *value, uint32_t n)');
const sendmmsg = call('int sendmmsg(int fd, void *messages, unsigned int count, int flags)');
const close = call('int close(int fd)');

/** The program so many times in a row, each return a jump to the next; the whole rejects. */
function repeated(program: RawProgram, copies: number): RawProgram {
  const one = program.map((insn, i): RawInsn =>
    (insn.code & 7) === 6 ? { code: 0x05, jt: 0, jf: 0, k: program.length - i - 1 } : insn,
  );
  return [...Array.from({ length: copies }, () => one).flat(), { code: 0x06, jt: 0, jf: 0, k: 0 }];
}

function attach(fd: number, program: RawProgram): boolean {
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
  const result = setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, new Uint8Array(fprog.buffer), 16);
  return result === 0 && bytes.length > 0;
}

/** Nanoseconds to send a datagram to a Unix socket whose filter rejects it: nobody has to read. */
function nsPerDatagram(
  program: RawProgram,
  packet: Uint8Array,
  rounds: number,
): number | undefined {
  const fds = new Int32Array(2);
  if (socketpair(AF_UNIX, SOCK_DGRAM, 0, fds) !== 0) throw new Error('socketpair failed');
  const [sender = -1, receiver = -1] = fds;
  try {
    if (!attach(receiver, program)) return undefined;
    const data = packet.slice();
    const iov = new BigUint64Array([koffi.address(data), BigInt(data.length)]);
    const messages = new DataView(new ArrayBuffer(TOGETHER * MMSGHDR));
    for (let i = 0; i < TOGETHER; i += 1) {
      messages.setBigUint64(i * MMSGHDR + 16, koffi.address(iov), true);
      messages.setBigUint64(i * MMSGHDR + 24, 1n, true);
    }
    const vector = new Uint8Array(messages.buffer);
    let best = Infinity;
    for (let round = 0; round < rounds; round += 1) {
      const start = process.hrtime.bigint();
      if (sendmmsg(sender, vector, TOGETHER, 0) !== TOGETHER) throw new Error('sendmmsg failed');
      best = Math.min(best, Number(process.hrtime.bigint() - start) / TOGETHER);
    }
    return data.length > 0 && iov.length > 0 ? best : undefined;
  } finally {
    close(sender);
    close(receiver);
  }
}

/** Instructions that all copies together may have: they should stay in the processor's caches. */
const MOST = 1500;

/**
 * Nanoseconds of the kernel's own cBPF, compiled by its JIT: a socket filter has no test run, so that
 * the program stands several times in a row, and what each more costs is told by the difference.
 * Undefined when the kernel refuses it: it takes at most 4096 instructions.
 */
export function socketFilterNs(
  program: RawProgram,
  packet: Uint8Array,
  rounds: number,
): number | undefined {
  const many = Math.max(2, Math.floor(MOST / program.length));
  const few = Math.floor(many / 2);
  const [long, short] = [many, few].map((copies) =>
    nsPerDatagram(repeated(program, copies), packet, rounds),
  );
  if (long === undefined || short === undefined) return undefined;
  return (long - short) / (many - few);
}
