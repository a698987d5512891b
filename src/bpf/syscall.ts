import { PermissionError, SystemError } from '../errors.ts';
import { addressOf, errnoName } from '../ffi/library.ts';
import { bpf, withSignalsBlocked } from '../ffi/libc.ts';

/** enum bpf_cmd, include/uapi/linux/bpf.h. */
export const BPF_CMD = {
  mapCreate: 0,
  mapLookupElem: 1,
  mapUpdateElem: 2,
  mapDeleteElem: 3,
  progLoad: 5,
  objGet: 7,
  progTestRun: 10,
  progGetNextId: 11,
  progGetFdById: 13,
  objGetInfoByFd: 15,
  rawTracepointOpen: 17,
  btfLoad: 18,
  btfGetFdById: 19,
  mapFreeze: 22,
  btfGetNextId: 23,
  mapLookupBatch: 24,
  linkCreate: 28,
  enableStats: 32,
} as const;

const EAGAIN = 11;
/** Ctrl-Z and fg, once or twice. */
const MAX_ATTEMPTS = 5;

/**
 * Builds one `union bpf_attr`. It keeps every buffer whose address it holds, so that the garbage
 * collector cannot take one while the kernel reads it.
 */
export class Attr {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly #held: Uint8Array[] = [];

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
    this.#view = new DataView(this.bytes.buffer);
  }

  u32(offset: number, value: number): this {
    this.#view.setUint32(offset, value, true);
    return this;
  }

  u64(offset: number, value: bigint): this {
    this.#view.setBigUint64(offset, value, true);
    return this;
  }

  pointer(offset: number, target: Uint8Array): this {
    this.#held.push(target);
    this.#view.setBigUint64(offset, addressOf(target), true);
    return this;
  }

  /** A name of at most 15 bytes, in place. */
  name(offset: number, text: string): this {
    this.bytes.set(new TextEncoder().encode(text).subarray(0, 15), offset);
    return this;
  }

  getU32(offset: number): number {
    return this.#view.getUint32(offset, true);
  }

  /** For any call that takes the bytes: what they point to lives until it returns. */
  use(call: (bytes: Uint8Array) => number): number {
    const result = call(this.bytes);
    // Referenced after the call.
    if (this.#held.length < 0) throw new RangeError();
    return result;
  }

  /**
   * The verifier gives up with EAGAIN when a signal is pending (signal_pending() in
   * kernel/bpf/verifier.c): signals wait until it is done, but SIGSTOP, which cannot be blocked.
   *
   * @returns the call's result or -errno
   */
  call(command: number): number {
    return this.use((bytes) => {
      const once = (): number => bpf(command, bytes);
      const loads = command === BPF_CMD.progLoad;
      let result = loads ? withSignalsBlocked(once) : once();
      for (let attempt = 1; loads && result === -EAGAIN && attempt < MAX_ATTEMPTS; attempt++) {
        result = withSignalsBlocked(once);
      }
      return result;
    });
  }
}

/**
 * Fills `info`, struct bpf_prog_info, bpf_btf_info or bpf_link_info as far as it reaches, with what
 * the kernel knows of the object behind a descriptor.
 *
 * @returns 0 or -errno
 */
export function objectInfo(fd: number, info: Uint8Array): number {
  return new Attr(16).u32(0, fd).u32(4, info.length).pointer(8, info).call(BPF_CMD.objGetInfoByFd);
}

/** NUL-terminated bytes for a `const char *` inside an attr. */
export function cString(text: string): Uint8Array {
  return new TextEncoder().encode(`${text}\0`);
}

/** The error of a refused bpf(2), with the remedy that fits its errno. */
export function bpfError(
  doing: string,
  call: string,
  result: number,
): SystemError | PermissionError {
  const errno = -result;
  const code = errnoName(errno);
  if (code === 'EPERM' || code === 'EACCES') {
    return new PermissionError(`${doing}: ${call}: ${code}`, {
      hint: 'run xcap as root, or with CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN',
    });
  }
  return new SystemError(call, errno, code, `${doing}: ${call}: ${code}`);
}
