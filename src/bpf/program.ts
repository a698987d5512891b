import { closeSync } from 'node:fs';
import { VerifierError } from '../errors.ts';
import { errnoName } from '../ffi/library.ts';
import { CallbackTypes } from './callback-types.ts';
import { Attr, BPF_CMD, bpfError, cString, objectInfo } from './syscall.ts';

/** enum bpf_prog_type and bpf_attach_type, as far as xcap loads them. */
export const PROG_TYPE = { kprobe: 2, xdp: 6, rawTracepoint: 17, tracing: 26 } as const;
export const ATTACH_TYPE = {
  none: 0,
  traceRawTp: 23,
  traceFentry: 24,
  traceFexit: 25,
  xdp: 37,
  perfEvent: 41,
  traceKprobeMulti: 42,
} as const;

/** Of XDP programs: packets of several buffers (5.18). */
export const BPF_F_XDP_HAS_FRAGS = 1 << 5;

export interface ProgramSpec {
  /** Kernel-visible name, at most 15 bytes. */
  readonly name: string;
  readonly type: number;
  readonly attachType: number;
  /** BTF id of what a tracing program attaches to; 0 for others. */
  readonly attachBtfId: number;
  /**
   * Descriptor of the BTF object that the id counts in, or of the program (attach_prog_fd, the same
   * place) whose BTF it is; undefined for the kernel's own.
   */
  readonly attachBtfFd?: number | undefined;
  readonly license: string;
  /** BPF_F_*; none unless given. */
  readonly flags?: number;
  /** Instruction that the function starts at which the program has the kernel call. */
  readonly callback?: number | undefined;
}

/** UINT_MAX >> 8, the most that 5.10 takes: the reason is the last line of a log that can be long. */
const LOG_BYTES = (1 << 24) - 1;
/** Offsets in struct bpf_prog_info; recursion_misses came with 5.12 and reads as 0 before. */
const INFO_BYTES = 224;
const INFO_RUN_TIME_NS = 192;
const INFO_RUN_CNT = 200;
const INFO_RECURSION_MISSES = 208;

export interface ProgramStats {
  readonly runTimeNs: bigint;
  readonly runCount: bigint;
  readonly recursionMisses: bigint;
}

/** A loaded BPF program. */
export class BpfProgram implements Disposable {
  readonly fd: number;
  readonly name: string;

  private constructor(fd: number, name: string) {
    this.fd = fd;
    this.name = name;
  }

  /** @throws PermissionError, SystemError, VerifierError (with the whole log) */
  static load(spec: ProgramSpec, insns: Uint8Array): BpfProgram {
    const doing = `loading program ${spec.name}`;
    const fd = BpfProgram.#attempt(spec, insns, undefined);
    if (fd >= 0) return new BpfProgram(fd, spec.name);
    const code = errnoName(-fd);
    // Again with a log: the verifier says why, other refusals leave it empty.
    const log = new Uint8Array(LOG_BYTES);
    const second = BpfProgram.#attempt(spec, insns, log);
    if (second >= 0) return new BpfProgram(second, spec.name);
    const text = new TextDecoder('latin1').decode(log.subarray(0, log.indexOf(0)));
    if (text.trim() === '') throw bpfError(doing, 'bpf(BPF_PROG_LOAD)', fd);
    const lines = text
      .trim()
      .split('\n')
      .filter((line) => !line.startsWith('processed '));
    const last = lines.at(-1)?.trim() ?? '';
    throw new VerifierError(
      `${doing}: the verifier refused it (${code}): ${last} (${lines.length} log lines)`,
      text,
      { hint: 'this is a bug in xcap: report it with the output of XCAP_DEBUG=1' },
    );
  }

  static #attempt(spec: ProgramSpec, insns: Uint8Array, log: Uint8Array | undefined): number {
    const attr = new Attr(144)
      .u32(0, spec.type)
      .u32(4, insns.length / 8)
      .pointer(8, insns)
      .pointer(16, cString(spec.license))
      .u32(44, spec.flags ?? 0)
      .name(48, spec.name)
      .u32(68, spec.attachType)
      .u32(108, spec.attachBtfId)
      .u32(112, spec.attachBtfFd ?? 0);
    using types = spec.callback === undefined ? undefined : CallbackTypes.load(spec.callback);
    types?.describe(attr);
    if (log !== undefined) attr.u32(24, 1).u32(28, log.length).pointer(32, log);
    return attr.call(BPF_CMD.progLoad);
  }

  /** Counters of the kernel for this program; run time is 0 unless bpf_stats_enabled is on. */
  stats(): ProgramStats {
    const info = new Uint8Array(INFO_BYTES);
    const result = objectInfo(this.fd, info);
    if (result < 0) {
      throw bpfError(`reading program ${this.name}`, 'bpf(BPF_OBJ_GET_INFO_BY_FD)', result);
    }
    const view = new DataView(info.buffer);
    return {
      runTimeNs: view.getBigUint64(INFO_RUN_TIME_NS, true),
      runCount: view.getBigUint64(INFO_RUN_CNT, true),
      recursionMisses: view.getBigUint64(INFO_RECURSION_MISSES, true),
    };
  }

  [Symbol.dispose](): void {
    closeSync(this.fd);
  }
}

/** A program attached to a tracepoint or by fentry; detached when disposed, and by the kernel with the process. */
export class TracepointLink implements Disposable {
  readonly #fd: number;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** @param tracepoint name for a raw program; undefined for a BTF-typed one, which knows it */
  static open(program: BpfProgram, tracepoint: string | undefined): TracepointLink {
    const attr = new Attr(16).u32(8, program.fd);
    if (tracepoint !== undefined) attr.pointer(0, cString(tracepoint));
    const fd = attr.call(BPF_CMD.rawTracepointOpen);
    if (fd < 0) {
      throw bpfError(`attaching program ${program.name}`, 'bpf(BPF_RAW_TRACEPOINT_OPEN)', fd);
    }
    return new TracepointLink(fd);
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}
