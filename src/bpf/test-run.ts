import type { BpfProgram } from './program.ts';
import { Attr, BPF_CMD, bpfError } from './syscall.ts';

/** Offsets in the `test` part of union bpf_attr; 72 bytes are what Linux 5.10 knows of it. */
const ATTR_BYTES = 72;
const RETVAL = 4;
const DURATION = 36;
const CTX_SIZE_IN = 40;
const CTX_IN = 48;

function failed(program: BpfProgram, result: number): Error {
  return bpfError(`running program ${program.name}`, 'bpf(BPF_PROG_TEST_RUN)', result);
}

/**
 * Makes what runs a raw tracepoint program once (bpf_prog_test_run_raw_tp(), since 5.10).
 *
 * @param args how many of a tracepoint's arguments it may look at: its context
 * @returns a function that takes these and gives the program's return value; it throws SystemError, PermissionError
 */
export function rawTracepointRunner(
  program: BpfProgram,
  args = 0,
): (...values: readonly bigint[]) => number {
  const context = new BigUint64Array(args);
  const attr = new Attr(ATTR_BYTES).u32(0, program.fd);
  if (args > 0) attr.u32(CTX_SIZE_IN, 8 * args).pointer(CTX_IN, new Uint8Array(context.buffer));
  return (...values) => {
    context.set(values);
    const result = attr.call(BPF_CMD.progTestRun);
    if (result < 0) throw failed(program, result);
    return attr.getU32(RETVAL);
  };
}

export interface PacketRun {
  readonly returned: number;
  /** Nanoseconds of one run, the mean of all. */
  readonly durationNs: number;
}

/**
 * Runs a program that takes an skb or an xdp_buff on one packet.
 *
 * @param repeat runs in a row
 * @throws SystemError, for XDP and skb also for a packet of less than 14 bytes or of about a page
 */
export function runOnPacket(program: BpfProgram, packet: Uint8Array, repeat: number): PacketRun {
  const attr = new Attr(ATTR_BYTES)
    .u32(0, program.fd)
    .u32(8, packet.length)
    .pointer(16, packet)
    .u32(32, repeat);
  const result = attr.call(BPF_CMD.progTestRun);
  if (result < 0) throw failed(program, result);
  return { returned: attr.getU32(RETVAL), durationNs: attr.getU32(DURATION) };
}
