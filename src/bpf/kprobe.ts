import { closeSync, readFileSync } from 'node:fs';
import { ioctl, perfEventOpen } from '../ffi/libc.ts';
import { ATTACH_TYPE, type BpfProgram } from './program.ts';
import { UnsupportedError } from '../errors.ts';
import { Attr, BPF_CMD, bpfError, cString, objectInfo } from './syscall.ts';

const PMU_TYPE = '/sys/bus/event_source/devices/kprobe/type';

/** What `type` of perf_event_attr means a kprobe here; undefined where there are none. */
export function kprobePmuType(): number | undefined {
  try {
    return Number(readFileSync(PMU_TYPE, 'utf8').trim());
  } catch {
    return undefined;
  }
}

const RETURN_BIT = '/sys/bus/event_source/devices/kprobe/format/retprobe';

/** `config` of perf_event_attr for the return of a function: its format is `config:0`. */
function returnConfig(): bigint {
  const [, bit] = /^config:(\d+)$/.exec(readFileSync(RETURN_BIT, 'utf8').trim()) ?? [];
  if (bit === undefined) throw new UnsupportedError('this kernel has no kretprobes');
  return 1n << BigInt(bit);
}

/** Where a kprobe goes: an address, or a name where addresses are hidden. */
export type KprobeTarget = { readonly address: bigint } | { readonly name: string };

/** include/uapi/linux/perf_event.h: struct perf_event_attr up to config2, and ioctls. */
const ATTR_BYTES = 72;
const PERF_EVENT_IOC_ENABLE = 0x2400;
const PERF_EVENT_IOC_SET_BPF = 0x40042408;

/** struct bpf_link_info: where `missed` is, for both kinds of link; 0 on kernels without it. */
const LINK_INFO_BYTES = 64;
const MULTI_MISSED = 32;
const KPROBE_MISSED = 48;

/** Events that the kernel had to leave out because a probe was running on that CPU already. */
function linkMisses(fd: number, offset: number): number {
  const info = new Uint8Array(LINK_INFO_BYTES);
  if (objectInfo(fd, info) < 0) return 0;
  return Number(new DataView(info.buffer).getBigUint64(offset, true));
}

/** A program at the entry or the return of one function; gone with its descriptors. */
export class KprobeLink implements Disposable {
  readonly #fds: readonly number[];

  private constructor(fds: readonly number[]) {
    this.#fds = fds;
  }

  /**
   * @param cookie what bpf_get_attach_cookie() gives there; undefined where programs cannot ask
   * @throws PermissionError, SystemError
   */
  static open(
    program: BpfProgram,
    target: KprobeTarget,
    pmuType: number,
    cookie: bigint | undefined,
    at: 'entry' | 'return',
  ): KprobeLink {
    const doing = `attaching program ${program.name}`;
    const attr = new Attr(ATTR_BYTES).u32(0, pmuType).u32(4, ATTR_BYTES);
    if (at === 'return') attr.u64(8, returnConfig());
    if ('name' in target) attr.pointer(56, cString(target.name));
    else attr.u64(64, target.address);
    // Any CPU will do: the program runs on all of them.
    const event = attr.use((bytes) => perfEventOpen(bytes, 0));
    if (event < 0) throw bpfError(doing, 'perf_event_open', event);
    const held = [event];
    const check = (call: string, result: number): number => {
      if (result >= 0) return result;
      for (const fd of held) closeSync(fd);
      throw bpfError(doing, call, result);
    };
    if (cookie === undefined) {
      check('ioctl(PERF_EVENT_IOC_SET_BPF)', ioctl(event, PERF_EVENT_IOC_SET_BPF, program.fd));
      check('ioctl(PERF_EVENT_IOC_ENABLE)', ioctl(event, PERF_EVENT_IOC_ENABLE, 0));
      return new KprobeLink(held);
    }
    const link = new Attr(48)
      .u32(0, program.fd)
      .u32(4, event)
      .u32(8, ATTACH_TYPE.perfEvent)
      .u64(16, cookie)
      .call(BPF_CMD.linkCreate);
    held.push(check('bpf(BPF_LINK_CREATE)', link));
    return new KprobeLink(held);
  }

  misses(): number {
    const [, link] = this.#fds;
    return link === undefined ? 0 : linkMisses(link, KPROBE_MISSED);
  }

  [Symbol.dispose](): void {
    for (const fd of this.#fds) closeSync(fd);
  }
}

/** One function of a kprobe.multi link, and what bpf_get_attach_cookie() gives there. */
export interface MultiTarget {
  readonly address: bigint;
  readonly cookie: bigint;
}

/** One program at the entries of many functions; gone with its descriptor. */
export class KprobeMultiLink implements Disposable {
  readonly #fd: number;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** @throws PermissionError, SystemError: when one cannot be attached none is */
  static open(program: BpfProgram, targets: readonly MultiTarget[]): KprobeMultiLink {
    const fd = createMultiLink(program.fd, targets);
    if (fd < 0) throw bpfError(`attaching program ${program.name}`, 'bpf(BPF_LINK_CREATE)', fd);
    return new KprobeMultiLink(fd);
  }

  misses(): number {
    return linkMisses(this.#fd, MULTI_MISSED);
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}

/** @returns a descriptor, or -errno */
export function createMultiLink(programFd: number, targets: readonly MultiTarget[]): number {
  const addresses = new Uint8Array(BigUint64Array.from(targets, ({ address }) => address).buffer);
  const cookies = new Uint8Array(BigUint64Array.from(targets, ({ cookie }) => cookie).buffer);
  const attr = new Attr(48).u32(0, programFd).u32(8, ATTACH_TYPE.traceKprobeMulti);
  if (targets.length > 0) {
    attr.u32(20, targets.length).pointer(32, addresses).pointer(40, cookies);
  }
  return attr.call(BPF_CMD.linkCreate);
}
