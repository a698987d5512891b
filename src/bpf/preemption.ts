import { readFileSync, writeFileSync } from 'node:fs';
import type { Btf } from '../btf/btf.ts';
import { typedefId } from '../btf/functions.ts';
import { memberPath } from '../btf/members.ts';
import { XcapError } from '../errors.ts';
import type { FeatureAnswer } from '../kernel/features.ts';
import { insn, OP, PSEUDO } from './insn.ts';
import { BpfMap } from './map.ts';
import { ATTACH_TYPE, BpfProgram, PROG_TYPE, TracepointLink } from './program.ts';

const FUNC_MAP_LOOKUP_ELEM = 1;
const FUNC_GET_CURRENT_PID_TGID = 14;
const FUNC_GET_CURRENT_TASK = 35;
const FUNC_PROBE_READ_KERNEL = 113;
const BPF_MAP_TYPE_ARRAY = 2;

/** For this process, stores 1 + current->migration_disabled in the map's only value. */
function program(mapFd: number, pid: number, offset: number): Uint8Array {
  const insns = [
    insn(OP.call, 0, 0, 0, FUNC_GET_CURRENT_PID_TGID),
    insn(OP.rsh, 0, 0, 0, 32),
    insn(OP.jneImm, 0, 0, 18, pid), // to the end
    insn(OP.call, 0, 0, 0, FUNC_GET_CURRENT_TASK),
    insn(OP.movReg, 3, 0, 0, 0),
    insn(OP.addImm, 3, 0, 0, offset),
    insn(OP.stDw, 10, 0, -8, 0),
    insn(OP.movReg, 1, 10, 0, 0),
    insn(OP.addImm, 1, 0, 0, -8),
    insn(OP.movImm, 2, 0, 0, 2),
    insn(OP.call, 0, 0, 0, FUNC_PROBE_READ_KERNEL),
    insn(OP.stDw, 10, 0, -16, 0), // key 0
    insn(OP.ldImm64, 1, PSEUDO.mapFd, 0, mapFd),
    insn(0, 0, 0, 0, 0),
    insn(OP.movReg, 2, 10, 0, 0),
    insn(OP.addImm, 2, 0, 0, -16),
    insn(OP.call, 0, 0, 0, FUNC_MAP_LOOKUP_ELEM),
    insn(OP.jeqImm, 0, 0, 3, 0),
    insn(OP.ldxH, 1, 10, -8, 0),
    insn(OP.addImm, 1, 0, 0, 1),
    insn(OP.stxDw, 0, 1, 0, 0),
    insn(OP.movImm, 0, 0, 0, 0),
    insn(OP.exit, 0, 0, 0, 0),
  ];
  return Uint8Array.from(Buffer.concat(insns));
}

/**
 * Whether a task can lose its CPU inside a tracepoint's program. A kernel that allows it keeps the
 * task from moving meanwhile, which shows in current->migration_disabled (__bpf_trace_run() in
 * kernel/trace/bpf_trace.c). The tracepoint is task:task_rename, hit by naming this process as it is
 * named already.
 */
export function tracepointsPreemptible(btf: Btf): FeatureAnswer {
  const attachBtfId = typedefId(btf, 'btf_trace_task_rename');
  const offset = memberPath(btf, 'task_struct', 'migration_disabled')?.offsetBytes;
  if (attachBtfId === undefined || offset === undefined) return 'no';
  try {
    using map = BpfMap.create({
      name: 'xcap_probe',
      type: BPF_MAP_TYPE_ARRAY,
      keySize: 4,
      valueSize: 8,
      maxEntries: 1,
      flags: 0,
    });
    using loaded = BpfProgram.load(
      {
        name: 'xcap_probe',
        type: PROG_TYPE.tracing,
        attachType: ATTACH_TYPE.traceRawTp,
        attachBtfId,
        license: 'GPL',
      },
      program(map.fd, process.pid, offset),
    );
    const link = TracepointLink.open(loaded, undefined);
    const comm = '/proc/self/comm';
    writeFileSync(comm, readFileSync(comm, 'latin1').trimEnd(), 'latin1');
    link[Symbol.dispose]();
    const seen = map.lookup(0, 8)[0] ?? 0;
    if (seen === 0) return { unknown: 'task:task_rename was not hit' };
    return seen > 1 ? 'yes' : 'no';
  } catch (error) {
    if (error instanceof XcapError) return { unknown: error.message };
    throw error;
  }
}
