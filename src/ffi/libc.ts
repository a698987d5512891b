import { closeSync, openSync } from 'node:fs';
import { PermissionError, SystemError } from '../errors.ts';
import { errnoName, lastErrno, loadLibrary } from './library.ts';

const libc = loadLibrary(['libc.so.6'], 'calling the system', 'xcap needs glibc');

type Foreign = (...args: never[]) => number | bigint;
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- koffi knows no types: this is where they are given
function bind<F extends Foreign>(prototype: string): F {
  return libc.func(prototype) as unknown as F;
}

const syscallBpf = bind<(nr: number, cmd: number, attr: Uint8Array, size: number) => number>(
  'long syscall(long nr, int cmd, void *attr, unsigned int size)',
);
const syscallPerf = bind<
  (nr: number, attr: Uint8Array, pid: number, cpu: number, group: number, flags: bigint) => number
>('long syscall(long nr, void *attr, int pid, int cpu, int group, unsigned long flags)');
const cIoctl = bind<(fd: number, request: bigint, argument: bigint) => number>(
  'int ioctl(int fd, unsigned long request, unsigned long argument)',
);
const cMmap = bind<
  (a: bigint, n: number, prot: number, flags: number, fd: number, off: number) => bigint | number
>('uint64_t mmap(uint64_t addr, size_t length, int prot, int flags, int fd, int64_t offset)');
const cMunmap = bind<(a: bigint, n: number) => number>('int munmap(uint64_t addr, size_t length)');
const cSetrlimit = bind<(resource: number, limit: BigUint64Array) => number>(
  'int setrlimit(int resource, void *limit)',
);
const cClockGettime = bind<(clock: number, ts: BigInt64Array) => number>(
  'int clock_gettime(int clock, void *ts)',
);
const cSigmask = bind<(how: number, set: Uint8Array, old: Uint8Array | null) => number>(
  'int pthread_sigmask(int how, const void *set, void *old)',
);
const cUnshare = bind<(flags: number) => number>('int unshare(int flags)');
const cMount = bind<
  (source: string, target: string, type: string, flags: bigint, data: string | null) => number
>(
  'int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)',
);
const cChroot = bind<(path: string) => number>('int chroot(const char *path)');
const cPrctl = bind<(op: number, a: bigint, b: bigint, c: bigint, d: bigint) => number>(
  'int prctl(int op, unsigned long a, unsigned long b, unsigned long c, unsigned long d)',
);

/** x86-64 and arm64 numbers of bpf(2) (arch/x86/entry/syscalls/syscall_64.tbl, asm-generic/unistd.h). */
const SYS_BPF = process.arch === 'arm64' ? 280 : 321;

/**
 * bpf(2). Whoever builds `attr` keeps the buffers whose addresses are in it referenced.
 *
 * @returns the call's result, or -errno
 */
export function bpf(command: number, attr: Uint8Array): number {
  const result = syscallBpf(SYS_BPF, command, attr, attr.length);
  return result < 0 ? -lastErrno() : result;
}

const SYS_PERF_EVENT_OPEN = process.arch === 'arm64' ? 241 : 298;

/**
 * perf_event_open(2) for every process, on one CPU. Whoever builds `attr` keeps the buffers whose
 * addresses are in it referenced.
 *
 * @returns a descriptor, or -errno
 */
export function perfEventOpen(attr: Uint8Array, cpu: number): number {
  const PERF_FLAG_FD_CLOEXEC = 8n;
  const fd = syscallPerf(SYS_PERF_EVENT_OPEN, attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
  return fd < 0 ? -lastErrno() : fd;
}

/** @returns the call's result, or -errno */
export function ioctl(fd: number, request: number, argument: number): number {
  const result = cIoctl(fd, BigInt(request), BigInt(argument));
  return result < 0 ? -lastErrno() : result;
}

const cFlock = bind<(fd: number, operation: number) => number>('int flock(int fd, int operation)');

/** flock(2), for writing, at once or not at all. @returns 0 or -errno: -11 where it is locked */
export function lockExclusively(fd: number): number {
  const LOCK_EX = 2;
  const LOCK_NB = 4;
  return cFlock(fd, LOCK_EX | LOCK_NB) === 0 ? 0 : -lastErrno();
}

function check(call: string, result: number, doing: string): void {
  if (result === 0) return;
  const errno = lastErrno();
  throw new SystemError(call, errno, errnoName(errno), `${doing}: ${call}: ${errnoName(errno)}`);
}

export const PROT = { read: 1, write: 2 } as const;

/** Maps `length` bytes of `fd` shared; @throws SystemError */
export function mmapShared(fd: number, length: number, protection: number, offset: number): bigint {
  const MAP_SHARED = 1;
  const address = BigInt(cMmap(0n, length, protection, MAP_SHARED, fd, offset));
  if (address === 0xffff_ffff_ffff_ffffn) {
    const errno = lastErrno();
    throw new SystemError(
      'mmap',
      errno,
      errnoName(errno),
      `mapping the ring buffer: mmap: ${errnoName(errno)}`,
    );
  }
  return address;
}

export function munmap(address: bigint, length: number): void {
  cMunmap(address, length);
}

/** Runs `call` while no signal can reach this thread; those that come meanwhile are delivered after it. */
export function withSignalsBlocked<T>(call: () => T): T {
  const SIG_BLOCK = 0;
  const SIG_SETMASK = 2;
  const SIGSET_BYTES = 128;
  const before = new Uint8Array(SIGSET_BYTES);
  cSigmask(SIG_BLOCK, new Uint8Array(SIGSET_BYTES).fill(0xff), before);
  try {
    return call();
  } finally {
    cSigmask(SIG_SETMASK, before, null);
  }
}

const cSysconf = bind<(name: number) => number>('long sysconf(int name)');

/** Bytes of a memory page. */
export function pageSize(): number {
  const SC_PAGESIZE = 30;
  return cSysconf(SC_PAGESIZE);
}

/** Lifts RLIMIT_MEMLOCK, which kernels before 5.11 charge maps to; a refusal shows at map creation. */
export function liftMemlockLimit(): void {
  const RLIMIT_MEMLOCK = 8;
  const infinity = 0xffff_ffff_ffff_ffffn;
  cSetrlimit(RLIMIT_MEMLOCK, BigUint64Array.of(infinity, infinity));
}

const cMallopt = bind<(parameter: number, value: number) => number>(
  'int mallopt(int parameter, int value)',
);
const cMallocTrim = bind<(pad: number) => number>('int malloc_trim(size_t pad)');

/**
 * Gives what malloc() has free back to the system, and has it give back each large block from here on: by
 * itself it raises the size of those to the largest that was ever freed (mallopt(3), M_MMAP_THRESHOLD).
 */
export function releaseFreeMemory(): void {
  const M_MMAP_THRESHOLD = -3;
  cMallopt(M_MMAP_THRESHOLD, 128 * 1024);
  cMallocTrim(0);
}

/** Nanoseconds of CLOCK_REALTIME minus CLOCK_MONOTONIC: adds to bpf_ktime_get_ns() of an event. */
export function realtimeOffsetNs(): bigint {
  const ts = new BigInt64Array(2);
  const read = (clock: number): bigint => {
    cClockGettime(clock, ts);
    return (ts[0] ?? 0n) * 1_000_000_000n + (ts[1] ?? 0n);
  };
  let best = { width: 1n << 62n, offset: 0n };
  // The narrowest of a few bracketed readings: a preemption between them would shift all times.
  for (let i = 0; i < 5; i++) {
    const before = read(1);
    const real = read(0);
    const after = read(1);
    if (after - before < best.width) {
      best = { width: after - before, offset: real - (before + after) / 2n };
    }
  }
  return best.offset;
}

/** Gives this thread a mount namespace of its own with an empty tmpfs on `path`; root only. */
export function privateTmpfs(path: string): void {
  const CLONE_NEWNS = 0x20000;
  const MS_REC_PRIVATE = 0x4000n | 0x40000n;
  check('unshare', cUnshare(CLONE_NEWNS), 'isolating the compiler');
  check('mount', cMount('none', '/', 'none', MS_REC_PRIVATE, null), 'isolating the compiler');
  check('mount', cMount('xcap', path, 'tmpfs', 0n, 'size=4m,mode=755'), 'isolating the compiler');
}

const cSetns = bind<(fd: number, type: number) => number>('int setns(int fd, int type)');

/**
 * Runs `call`, which must not wait for anything, with this thread in another network namespace.
 *
 * @param netns an open file of /proc/PID/ns/net or /run/netns
 * @throws SystemError when it cannot be entered
 */
export function inNetns<T>(netns: number, call: () => T): T {
  const CLONE_NEWNET = 0x40000000;
  const doing = 'entering a network namespace';
  const own = openSync('/proc/thread-self/ns/net', 'r');
  try {
    check('setns', cSetns(netns, CLONE_NEWNET), doing);
    try {
      return call();
    } finally {
      check('setns', cSetns(own, CLONE_NEWNET), doing);
    }
  } finally {
    closeSync(own);
  }
}

export function chroot(path: string): void {
  check('chroot', cChroot(path), 'isolating the compiler');
}

/** Clears the capability bounding set and forbids gaining privileges by exec (prctl(2)). */
export function forbidNewPrivileges(): void {
  const PR_CAPBSET_DROP = 24;
  const PR_SET_NO_NEW_PRIVS = 38;
  for (let capability = 0n; capability < 64n; capability++) {
    if (cPrctl(PR_CAPBSET_DROP, capability, 0n, 0n, 0n) !== 0) break;
  }
  if (cPrctl(PR_SET_NO_NEW_PRIVS, 1n, 0n, 0n, 0n) !== 0) {
    throw new PermissionError('isolating the compiler: prctl: PR_SET_NO_NEW_PRIVS refused');
  }
}

/** This process gets SIGKILL when its parent ends; to be called after the last change of ids. */
export function dieWithParent(): void {
  const PR_SET_PDEATHSIG = 1;
  const SIGKILL = 9n;
  cPrctl(PR_SET_PDEATHSIG, SIGKILL, 0n, 0n, 0n);
}
