/**
 * Fills a ring from one processor, as fast as its reader makes room, so that nothing is lost:
 *   node producer.js RING_BYTES EVENT_BYTES COUNT
 * Descriptor 3 is the ring, 4 an array whose one value is the event.
 */
import { insn, OP, PSEUDO } from '../../../src/bpf/insn.ts';
import { BpfProgram } from '../../../src/bpf/program.ts';
import { runOnPacket } from '../../../src/bpf/test-run.ts';
import { mmapShared, pageSize, PROT } from '../../../src/ffi/libc.ts';
import { viewOf } from '../../../src/ffi/library.ts';

const [ringBytes = 0, eventBytes = 0, count = 0] = process.argv.slice(2).map(Number);
const [RING, EVENT] = [3, 4];
const BATCH = 1024;
/** Not XDP, whose test runs each wait for an RCU grace period (bpf_prog_change_xdp()). */
const BPF_PROG_TYPE_SCHED_CLS = 3;
const MAP_LOOKUP_ELEM = 1;
const RINGBUF_OUTPUT = 130;
const RECORD_HEADER = 8;

const load = (register: number, fd: number): Uint8Array[] => [
  insn(OP.ldImm64, register, PSEUDO.mapFd, 0, fd),
  insn(0, 0, 0, 0, 0),
];
const program = BpfProgram.load(
  {
    name: 'xcap_producer',
    type: BPF_PROG_TYPE_SCHED_CLS,
    attachType: 0,
    attachBtfId: 0,
    license: 'GPL',
  },
  Buffer.concat([
    insn(OP.stDw, 10, 0, -8, 0),
    ...load(1, EVENT),
    insn(OP.movReg, 2, 10, 0, 0),
    insn(OP.addImm, 2, 0, 0, -8),
    insn(OP.call, 0, 0, 0, MAP_LOOKUP_ELEM),
    insn(OP.jeqImm, 0, 0, 6, 0),
    insn(OP.movReg, 2, 0, 0, 0),
    ...load(1, RING),
    insn(OP.movImm, 3, 0, 0, eventBytes),
    insn(OP.movImm, 4, 0, 0, 0),
    insn(OP.call, 0, 0, 0, RINGBUF_OUTPUT),
    insn(OP.movImm, 0, 0, 0, 2),
    insn(OP.exit, 0, 0, 0, 0),
  ]),
);

const page = pageSize();
const positions = [0, page].map(
  (offset) => new BigInt64Array(viewOf(mmapShared(RING, page, PROT.read, offset), page), 0, 1),
);
const at = (which: number): number =>
  Number(Atomics.load(positions[which] ?? new BigInt64Array(1), 0));
const room = (): number => ringBytes - (at(1) - at(0));
const record = (RECORD_HEADER + eventBytes + 7) & ~7;
const packet = new Uint8Array(64);
for (let made = 0; made < count; made += BATCH) {
  while (room() < (BATCH + 1) * record);
  runOnPacket(program, packet, Math.min(BATCH, count - made));
}
