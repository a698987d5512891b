import { describe, expect, it } from 'vitest';
import { STACK_FAILED } from '../../../src/abi/events.ts';
import { StackTable } from '../../../src/capture/stack-table.ts';

const functions: Readonly<Record<number, string>> = {
  16: 'bpf_prog_6deef7357e7b4530_xcap_drop+0x10 [bpf]',
  17: '0xffffffffc0001234',
  18: 'bpf_trace_run4+0x10',
  19: '__traceiter_kfree_skb+0x10',
  32: 'sk_skb_reason_drop+0x90',
  33: 'bpf_prog_0123456789abcdef_classify+0x10 [bpf]',
  34: 'veth_xmit+0x40 [veth]',
};
const name = (address: bigint): string => functions[Number(address)] ?? `0x${address.toString(16)}`;
const names = { location: name, frame: (address: bigint) => `${name(address)} called` };

function table(stacks: Readonly<Record<number, readonly number[]>>): {
  stacks: StackTable;
  reads: () => number;
} {
  let reads = 0;
  const read = (id: number): Uint8Array | undefined => {
    reads++;
    const frames = stacks[id];
    if (frames === undefined) return undefined;
    const words = new BigUint64Array(8);
    frames.forEach((frame, i) => (words[i] = BigInt(frame)));
    return new Uint8Array(words.buffer);
  };
  return { stacks: new StackTable(read, names), reads: () => reads };
}

describe('StackTable', () => {
  it("leaves out xcap's own frames and ends at the first address that is 0", () => {
    const { stacks } = table({ 7: [16, 17, 18, 19, 32, 33, 34] });
    expect(stacks.of(8)).toEqual([
      'sk_skb_reason_drop+0x90 called',
      'bpf_prog_0123456789abcdef_classify+0x10 [bpf] called',
      'veth_xmit+0x40 [veth] called',
    ]);
  });

  it('takes the first address as it is: where a kprobe hit, not what a call returns to', () => {
    expect(table({ 0: [32, 34] }).stacks.of(1)).toEqual([
      'sk_skb_reason_drop+0x90',
      'veth_xmit+0x40 [veth] called',
    ]);
  });

  it('keeps all addresses when none has a name', () => {
    expect(table({ 0: [1, 2] }).stacks.of(1)).toEqual(['0x1', '0x2 called']);
  });

  it('reads a stack once, and has none for events without', () => {
    const { stacks, reads } = table({ 0: [32] });
    expect(stacks.of(1)).toBe(stacks.of(1));
    expect(stacks.of(2)).toBeUndefined();
    expect(stacks.of(2)).toBeUndefined();
    expect(reads()).toBe(2);
    expect(stacks.of(0)).toBeUndefined();
    expect(stacks.of(STACK_FAILED + 17)).toBeUndefined();
  });

  it('says how many events have none, and why', () => {
    const { stacks } = table({});
    expect(stacks.notes()).toEqual([]);
    for (const errno of [17, 17, 14]) stacks.count(STACK_FAILED + errno);
    stacks.count(1);
    expect(stacks.notes()).toEqual([
      expect.stringMatching(/^2 events without their stack: its place was taken/),
      expect.stringMatching(/^1 events? without .*: the kernel could not walk it$/),
    ]);
  });
});
