import type { Btf } from '../btf/btf.ts';
import { funcProto, typedefId } from '../btf/functions.ts';
import { memberPath } from '../btf/members.ts';
import { PermissionError, SystemError } from '../errors.ts';
import { errnoName } from '../ffi/library.ts';
import { preemptCount } from '../kernel/context-source.ts';
import type { FeatureAnswer, FeatureId } from '../kernel/features.ts';
import { preemptFunctions } from '../kernel/preempt-functions.ts';
import { CallbackTypes } from './callback-types.ts';
import { insn, OP, PSEUDO, returning } from './insn.ts';
import { tracepointsPreemptible } from './preemption.ts';
import { createMultiLink, kprobePmuType } from './kprobe.ts';
import { ATTACH_TYPE, PROG_TYPE } from './program.ts';
import { Attr, BPF_CMD, cString } from './syscall.ts';
import { closeSync } from 'node:fs';

const FUNC_KTIME_GET_NS = 5;
const FUNC_GET_ATTACH_COOKIE = 174;
const FUNC_LOOP = 181;
const FUNC_GET_FUNC_ARG = 183;
const FUNC_XDP_LOAD_BYTES = 189;

const returnZero = returning(0);
const attachCookie = [insn(OP.call, 0, 0, 0, FUNC_GET_ATTACH_COOKIE), ...returnZero];

const firstArgument = [
  insn(OP.movImm, 2, 0, 0, 0),
  insn(OP.movReg, 3, 10, 0, 0),
  insn(OP.addImm, 3, 0, 0, -8),
  insn(OP.stDw, 10, 0, -8, 0),
  insn(OP.call, 0, 0, 0, FUNC_GET_FUNC_ARG),
  ...returnZero,
];

/** @returns a descriptor, or -errno */
function load(
  type: number,
  attachType: number,
  attachBtfId: number,
  insns: readonly Uint8Array[],
  types?: CallbackTypes,
): number {
  const bytes = Uint8Array.from(Buffer.concat(insns));
  const attr = new Attr(144)
    .u32(0, type)
    .u32(4, bytes.length / 8)
    .pointer(8, bytes)
    .pointer(16, cString('GPL'))
    .name(48, 'xcap_probe')
    .u32(68, attachType)
    .u32(108, attachBtfId);
  types?.describe(attr);
  return attr.call(BPF_CMD.progLoad);
}

/** Loads and closes; an errno of a missing privilege is "could not tell". */
const tryLoad = (...program: Parameters<typeof load>): FeatureAnswer => answer(load(...program));

/** A program that has the kernel call the function behind it. */
function tryLoop(): FeatureAnswer {
  const program = [
    insn(OP.movImm, 1, 0, 0, 1),
    insn(OP.ldImm64, 2, PSEUDO.func, 0, 6),
    insn(0, 0, 0, 0, 0),
    insn(OP.movImm, 3, 0, 0, 0),
    insn(OP.movImm, 4, 0, 0, 0),
    insn(OP.call, 0, 0, 0, FUNC_LOOP),
    ...returnZero,
  ];
  try {
    using types = CallbackTypes.load(program.length);
    const insns = [...program, ...returnZero];
    return tryLoad(PROG_TYPE.rawTracepoint, ATTACH_TYPE.none, 0, insns, types);
  } catch (error) {
    if (error instanceof PermissionError) return { unknown: 'EPERM' };
    if (error instanceof SystemError) return 'no';
    throw error;
  }
}

/** At a function that every kernel has; nothing is attached. */
function tryFentry(btf: Btf, insns: readonly Uint8Array[]): FeatureAnswer {
  const id = funcProto(btf, 'consume_skb')?.id;
  if (id === undefined) return 'no';
  return tryLoad(PROG_TYPE.tracing, ATTACH_TYPE.traceFentry, id, insns);
}

/**
 * A kernel with it misses the addresses (EINVAL), one built without it the whole (EOPNOTSUPP). One
 * that never heard of it says EINVAL too, but does not know the helper that the programs need.
 */
function tryKprobeMulti(): FeatureAnswer {
  const program = load(PROG_TYPE.kprobe, ATTACH_TYPE.traceKprobeMulti, 0, attachCookie);
  if (program < 0) return answer(program);
  const code = errnoName(-createMultiLink(program, []));
  closeSync(program);
  if (code === 'EINVAL') return 'yes';
  return code === 'EPERM' ? { unknown: code } : 'no';
}

function answer(fd: number): FeatureAnswer {
  if (fd >= 0) {
    closeSync(fd);
    return 'yes';
  }
  const code = errnoName(-fd);
  return code === 'EPERM' || code === 'ENOMEM' ? { unknown: code } : 'no';
}

/** Tries each feature on the running kernel; nothing stays behind. */
export function createProber(btf: Btf): (id: FeatureId) => FeatureAnswer {
  const probes: Partial<Record<FeatureId, () => FeatureAnswer>> = {
    btf: () => 'yes',
    'raw-tp': () => tryLoad(PROG_TYPE.rawTracepoint, ATTACH_TYPE.none, 0, returnZero),
    'tp-btf': () => {
      const id = typedefId(btf, 'btf_trace_kfree_skb');
      if (id === undefined) return 'no';
      return tryLoad(PROG_TYPE.tracing, ATTACH_TYPE.traceRawTp, id, returnZero);
    },
    ringbuf: () => {
      const BPF_MAP_TYPE_RINGBUF = 27;
      return answer(
        new Attr(72)
          .u32(0, BPF_MAP_TYPE_RINGBUF)
          .u32(12, 65536)
          .name(28, 'xcap_probe')
          .call(BPF_CMD.mapCreate),
      );
    },
    'var-stack-read': () =>
      tryLoad(PROG_TYPE.rawTracepoint, ATTACH_TYPE.none, 0, [
        insn(OP.stDw, 10, 0, -16, 0),
        insn(OP.stDw, 10, 0, -8, 0),
        insn(OP.call, 0, 0, 0, FUNC_KTIME_GET_NS),
        insn(OP.andImm, 0, 0, 0, 7),
        insn(OP.movReg, 2, 10, 0, 0),
        insn(OP.addImm, 2, 0, 0, -16),
        insn(OP.addReg, 2, 0, 0, 0),
        insn(OP.ldxB, 1, 2, 0, 0),
        ...returnZero,
      ]),
    // What is missing (CONFIG_KALLSYMS_ALL) shows when it is looked up: kernel/paged-source.ts.
    'direct-map': () => (process.arch === 'x64' ? 'yes' : 'no'),
    'skb-dynptr': () => {
      const id = typedefId(btf, 'btf_trace_kfree_skb');
      const kfunc = funcProto(btf, 'bpf_dynptr_from_skb');
      if (id === undefined || kfunc === undefined) return 'no';
      return tryLoad(PROG_TYPE.tracing, ATTACH_TYPE.traceRawTp, id, [
        insn(OP.ldxDw, 1, 1, 0, 0),
        insn(OP.movImm, 2, 0, 0, 0),
        insn(OP.movReg, 3, 10, 0, 0),
        insn(OP.addImm, 3, 0, 0, -16),
        insn(OP.call, 0, PSEUDO.kfuncCall, 0, kfunc.id),
        ...returnZero,
      ]);
    },
    'rdonly-cast': () => {
      const kfunc = funcProto(btf, 'bpf_rdonly_cast');
      const type = btf.struct('udphdr');
      if (kfunc === undefined || type === undefined) return 'no';
      return tryLoad(PROG_TYPE.kprobe, ATTACH_TYPE.none, 0, [
        insn(OP.ldxDw, 1, 1, 0, 0),
        insn(OP.movImm, 2, 0, 0, type.id),
        insn(OP.call, 0, PSEUDO.kfuncCall, 0, kfunc.id),
        insn(OP.ldxH, 0, 0, 0, 0),
        ...returnZero,
      ]);
    },
    'preemptible-tracepoints': () =>
      // Without the functions nothing can be done about it; kernels that have it have them.
      preemptFunctions(btf) === undefined ? 'no' : tracepointsPreemptible(btf),
    fentry: () => {
      // What attaches trampolines to functions (CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS); the BTF of
      // 5.10 has no functions of ftrace, but this struct, which later ones do not have.
      const direct = funcProto(btf, 'register_ftrace_direct') ?? btf.struct('ftrace_direct_func');
      if (direct === undefined) return 'no';
      return tryFentry(btf, returnZero);
    },
    'bpf-loop': tryLoop,
    'get-func-arg': () => tryFentry(btf, firstArgument),
    'xdp-dispatcher': () => {
      // Before it got static calls (commit c86df29d11df) it patched the same place as trampolines do.
      const id = funcProto(btf, 'bpf_dispatcher_xdp_func')?.id;
      if (id === undefined || memberPath(btf, 'bpf_dispatcher', 'sc_key') === undefined)
        return 'no';
      const direct = funcProto(btf, 'register_ftrace_direct');
      return direct === undefined
        ? 'no'
        : tryLoad(PROG_TYPE.tracing, ATTACH_TYPE.traceFentry, id, firstArgument);
    },
    kprobe: () => (kprobePmuType() === undefined ? 'no' : 'yes'),
    // The member came with the count, commits 3acf8ace6823 and dd8657894c11.
    'kprobe-misses': () =>
      memberPath(btf, 'bpf_link_info', 'perf_event.kprobe.missed') === undefined ? 'no' : 'yes',
    'attach-cookie': () => tryLoad(PROG_TYPE.kprobe, ATTACH_TYPE.none, 0, attachCookie),
    'xdp-load-bytes': () =>
      tryLoad(PROG_TYPE.xdp, ATTACH_TYPE.none, 0, [
        insn(OP.movImm, 2, 0, 0, 0),
        insn(OP.movReg, 3, 10, 0, 0),
        insn(OP.addImm, 3, 0, 0, -8),
        insn(OP.movImm, 4, 0, 0, 8),
        insn(OP.call, 0, 0, 0, FUNC_XDP_LOAD_BYTES),
        ...returnZero,
      ]),
    'kprobe-multi': tryKprobeMulti,
    'percpu-ksym': () => {
      const count = preemptCount(btf);
      if (count === undefined) return 'no';
      return tryLoad(PROG_TYPE.rawTracepoint, ATTACH_TYPE.none, 0, [
        insn(OP.ldImm64, 1, PSEUDO.btfId, 0, count.btfId),
        insn(0, 0, 0, 0, 0),
        ...returnZero,
      ]);
    },
  };
  return (id) => probes[id]?.() ?? { unknown: 'no probe' };
}
