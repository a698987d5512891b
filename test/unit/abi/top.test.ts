import { describe, expect, it } from 'vitest';
import { topKeyDecoder } from '../../../src/abi/decode-top.ts';
import { emitTopHeader } from '../../../src/abi/emit-top.ts';
import { FIELD_BYTES } from '../../../src/abi/events.ts';
import {
  defaultTopRows,
  otherTopKey,
  TOP_DIMENSIONS,
  topKeyBytes,
  topKeyFields,
  type TopDimension,
} from '../../../src/abi/top.ts';

/** Every choice of dimensions. */
const CHOICES = Array.from({ length: 2 ** TOP_DIMENSIONS.length - 1 }, (_, i) =>
  TOP_DIMENSIONS.filter((_dimension, bit) => ((i + 1) >> bit) & 1),
);

describe('the key of a row', () => {
  it('has no byte that belongs to no member, and ends on 8 bytes, whatever is chosen', () => {
    for (const by of CHOICES) {
      const covered = topKeyFields(by).reduce((end, { offset, type, count }) => {
        expect([by, offset]).toEqual([by, end]);
        return end + count * FIELD_BYTES[type];
      }, 0);
      expect([by, covered]).toEqual([by, topKeyBytes(by)]);
      expect(covered % 8).toBe(0);
    }
  });

  it('is as small as what is asked for', () => {
    expect(topKeyBytes(['reason', 'location'])).toBe(16);
    expect(topKeyBytes(['location', 'reason'])).toBe(16);
    expect(topKeyBytes(['hook'])).toBe(8);
    expect(topKeyBytes(TOP_DIMENSIONS)).toBe(96);
  });

  it('has its addresses where one read of IPv6 fills both, aligned for IPv4', () => {
    for (const by of CHOICES.filter((each) => each.includes('flow'))) {
      const at = (name: string): number =>
        topKeyFields(by).find((field) => field.name === name)!.offset;
      expect(at('destination')).toBe(at('source') + 16);
      expect(at('source') % 4).toBe(0);
    }
  });
});

/** A key with these members. */
function encode(by: readonly TopDimension[], values: Record<string, bigint | string>): Uint8Array {
  const key = new Uint8Array(topKeyBytes(by));
  const view = new DataView(key.buffer);
  for (const { name, type, offset } of topKeyFields(by)) {
    const value = values[name];
    if (value === undefined) continue;
    if (typeof value === 'string') key.set(new TextEncoder().encode(value), offset);
    else if (type === 'u64') view.setBigUint64(offset, value, true);
    else if (type === 'u32') view.setUint32(offset, Number(value), true);
    else if (type === 'u16') view.setUint16(offset, Number(value), true);
    else view.setUint8(offset, Number(value));
  }
  return key;
}

describe('topKeyDecoder()', () => {
  const values = {
    location: 0xffffffff81000010n,
    reason: 5n,
    netns: 4026532173n,
    ifindex: 3n,
    ifname: 'fifteen-bytes-0',
    comm: 'ping',
    context: 2n,
    hook: 513n,
    ethertype: 0x0800n,
    protocol: 17n,
    source: '\x0a\0\0\x01',
    destination: '\x0a\0\0\x02',
    source_port: 40000n,
    destination_port: 53n,
  } as const;

  it('reads every member back', () => {
    const key = topKeyDecoder(TOP_DIMENSIONS)(encode(TOP_DIMENSIONS, values));
    expect(key).toEqual({
      other: false,
      hook: 513,
      reason: 5,
      location: 0xffffffff81000010n,
      netns: 4026532173,
      ifindex: 3,
      ifname: 'fifteen-bytes-0',
      comm: 'ping',
      context: 'softirq',
      flow: {
        ethertype: 0x0800,
        protocol: 17,
        source: new Uint8Array([10, 0, 0, 1, ...new Array<number>(12).fill(0)]),
        destination: new Uint8Array([10, 0, 0, 2, ...new Array<number>(12).fill(0)]),
        sourcePort: 40000,
        destinationPort: 53,
      },
    });
  });

  it('has nothing of what was not counted by', () => {
    expect(topKeyDecoder(['reason'])(encode(['reason'], values))).toEqual({
      other: false,
      reason: 5,
    });
    expect(topKeyDecoder(['iface'])(encode(['iface'], values))).toEqual({
      other: false,
      ...{ netns: 4026532173, ifindex: 3, ifname: 'fifteen-bytes-0' },
    });
  });

  it('knows the row of what had no room, that no packet has the key of', () => {
    for (const by of CHOICES) expect(topKeyDecoder(by)(otherTopKey(by))).toEqual({ other: true });
  });
});

describe('emitTopHeader()', () => {
  it('has each member of the key, where the reader looks for it', () => {
    const text = emitTopHeader(['reason', 'iface']);
    expect(text).toContain('#define XCAP_TOP 1\n');
    expect(text).toContain('#define XCAP_TOP_IFACE 1\n');
    expect(text).toContain('#define XCAP_TOP_FLOW 0\n');
    for (const { name, offset } of topKeyFields(['reason', 'iface'])) {
      expect(text).toContain(`__builtin_offsetof(struct xcap_top_key, ${name}) == ${offset},`);
    }
    expect(text).toContain('sizeof(struct xcap_top_key) == 32,');
  });

  it('says no more than that nothing is counted when events are sent', () => {
    expect(emitTopHeader(undefined)).toBe('#define XCAP_TOP 0\n');
  });
});

describe('defaultTopRows()', () => {
  it.each([
    [2, 8192],
    [128, 8192],
    [512, 8192],
    [1024, 4096],
    [8192, 512],
  ])('on %i CPUs: %i, so that sums take at most 64 MiB', (cpus, rows) => {
    expect(defaultTopRows(cpus)).toBe(rows);
    expect(rows * 16 * cpus).toBeLessThanOrEqual(64 << 20);
  });
});
