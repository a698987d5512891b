import type { Btf } from '../btf/btf.ts';
import { typedefId } from '../btf/functions.ts';
import { errnoName } from '../ffi/library.ts';
import { preemptCount } from '../kernel/context-source.ts';
import type { FeatureAnswer, FeatureId } from '../kernel/features.ts';
import { ATTACH_TYPE, PROG_TYPE } from './program.ts';
import { Attr, BPF_CMD, cString } from './syscall.ts';
import { closeSync } from 'node:fs';

/** One instruction (include/uapi/linux/bpf.h, struct bpf_insn). */
function insn(code: number, dst: number, src: number, off: number, imm: number): Uint8Array {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  bytes[0] = code;
  bytes[1] = (src << 4) | dst;
  view.setInt16(2, off, true);
  view.setInt32(4, imm, true);
  return bytes;
}

const CALL = 0x85;
const MOV_IMM = 0xb7;
const MOV_REG = 0xbf;
const ADD_IMM = 0x07;
const ADD_REG = 0x0f;
const AND_IMM = 0x57;
const LD_IMM64 = 0x18;
const LDX_B = 0x71;
const ST_DW = 0x7a;
const EXIT = 0x95;
const BPF_PSEUDO_BTF_ID = 3;
const FUNC_KTIME_GET_NS = 5;

const returnZero = [insn(MOV_IMM, 0, 0, 0, 0), insn(EXIT, 0, 0, 0, 0)];

/** Loads and closes; an errno of a missing privilege is "could not tell". */
function tryLoad(
  type: number,
  attachType: number,
  attachBtfId: number,
  insns: readonly Uint8Array[],
): FeatureAnswer {
  const bytes = Uint8Array.from(Buffer.concat(insns));
  const attr = new Attr(144)
    .u32(0, type)
    .u32(4, bytes.length / 8)
    .pointer(8, bytes)
    .pointer(16, cString('GPL'))
    .name(48, 'xcap_probe')
    .u32(68, attachType)
    .u32(108, attachBtfId);
  return answer(attr.call(BPF_CMD.progLoad));
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
        insn(ST_DW, 10, 0, -16, 0),
        insn(ST_DW, 10, 0, -8, 0),
        insn(CALL, 0, 0, 0, FUNC_KTIME_GET_NS),
        insn(AND_IMM, 0, 0, 0, 7),
        insn(MOV_REG, 2, 10, 0, 0),
        insn(ADD_IMM, 2, 0, 0, -16),
        insn(ADD_REG, 2, 0, 0, 0),
        insn(LDX_B, 1, 2, 0, 0),
        ...returnZero,
      ]),
    'percpu-ksym': () => {
      const count = preemptCount(btf);
      if (count === undefined) return 'no';
      return tryLoad(PROG_TYPE.rawTracepoint, ATTACH_TYPE.none, 0, [
        insn(LD_IMM64, 1, BPF_PSEUDO_BTF_ID, 0, count.btfId),
        insn(0, 0, 0, 0, 0),
        ...returnZero,
      ]);
    },
  };
  return (id) => probes[id]?.() ?? { unknown: 'no probe' };
}
