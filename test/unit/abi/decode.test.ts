import { describe, expect, it } from 'vitest';
import { COMMON_WORDS, EventView } from '../../../src/abi/decode.ts';
import { emitEventHeader } from '../../../src/abi/emit-c.ts';
import { EVENT_BYTES, EVENT_FIELDS, FIELD_BYTES } from '../../../src/abi/events.ts';

function encode(values: Record<string, number | bigint | string>, data: number[]): Uint8Array {
  const bytes = new Uint8Array(EVENT_BYTES + data.length + 3);
  const view = new DataView(bytes.buffer);
  for (const { name, type, offset, count } of EVENT_FIELDS) {
    const value = values[name] ?? 0;
    if (typeof value === 'string') {
      expect(count).toBe(16);
      bytes.set(new TextEncoder().encode(value), offset);
    } else if (type === 'u64') view.setBigUint64(offset, BigInt(value), true);
    else if (type === 'u32') view.setUint32(offset, Number(value), true);
    else if (type === 'u16') view.setUint16(offset, Number(value), true);
    else view.setUint8(offset, Number(value));
  }
  view.setUint32(EVENT_FIELDS.find((f) => f.name === 'captured_length')!.offset, data.length, true);
  bytes.set(data, EVENT_BYTES);
  return bytes;
}

/** The event at the start of these bytes. */
function viewOf(bytes: Uint8Array): EventView {
  const view = new EventView(bytes);
  view.moveTo(0, bytes.length);
  return view;
}

describe('EventView', () => {
  it('reads each field from where the table has it', () => {
    const event = viewOf(
      encode(
        {
          time_ns: 1n << 60n,
          skb: 0xffff888012345678n,
          location: 0xffffffff81000010n,
          ret: 0xfffffffffffffffen,
          packet_id: 0x700000001n,
          wire_length: 1514,
          reason: 0x30001,
          tgid: 4242,
          pid: 4243,
          uid: 1000,
          ifindex: 3,
          netns: 4026532173,
          mark: 0xdeadbeef,
          socket: 4711,
          cpu: 7,
          queue: 9,
          protocol: 0x0800,
          hook: 2,
          context: 2,
          packet_type: 4,
          link: 1,
          flags: 3,
          redirect_map: 12,
          redirect_index: 5,
          comm: 'ping',
          ifname: 'eth1',
        },
        [1, 2, 3],
      ),
    );
    const expected = {
      timeNs: 1n << 60n,
      skb: 0xffff888012345678n,
      location: 0xffffffff81000010n,
      ret: 0xfffffffffffffffen,
      packetId: 0x700000001n,
      socketInode: 4711,
      redirect: { map: 12, index: 5 },
      wireLength: 1514,
      reason: 0x30001,
      tgid: 4242,
      pid: 4243,
      uid: 1000,
      ifindex: 3,
      netns: 4026532173,
      mark: 0xdeadbeef,
      cpu: 7,
      queue: 9,
      protocol: 0x0800,
      hook: 2,
      context: 'softirq',
      packetType: 'outgoing',
      link: 'ethernet',
      comm: 'ping',
      ifname: 'eth1',
      data: Uint8Array.of(1, 2, 3),
      socket: undefined,
      user: undefined,
    };
    for (const [name, value] of Object.entries(expected)) {
      expect(event[name as keyof typeof expected], name).toEqual(value);
    }
  });

  it('tells a returned zero from nothing returned', () => {
    expect(viewOf(encode({}, [])).ret).toBeUndefined();
    expect(viewOf(encode({ flags: 1 }, [])).ret).toBe(0n);
  });

  it('tells the duration of what was timed only', () => {
    expect(viewOf(encode({ duration_ns: 7n }, [])).durationNs).toBeUndefined();
    expect(viewOf(encode({ duration_ns: 7n, flags: 4 }, [])).durationNs).toBe(7n);
  });

  it('has the fields that events share in words of their own', () => {
    const { from, to } = COMMON_WORDS;
    const own = [
      'time_ns',
      'skb',
      'ret',
      'duration_ns',
      'packet_id',
      'redirect_map',
      'redirect_index',
      'wire_length',
      'captured_length',
    ];
    const common = EVENT_FIELDS.filter(({ offset }) => offset >= 4 * from).map(({ name }) => name);
    expect(EVENT_FIELDS.map(({ name }) => name)).toEqual([
      ...[...own, 'socket', 'cpu', 'queue'],
      ...common,
    ]);
    expect(4 * to).toBe(EVENT_BYTES);
  });

  it('takes a name that fills its field, and one that is no UTF-8', () => {
    const bytes = encode({ comm: 'sixteen-bytes-xx' }, []);
    expect(viewOf(bytes).comm).toBe('sixteen-bytes-xx');
    bytes[EVENT_FIELDS.find((f) => f.name === 'comm')!.offset] = 0xff;
    expect(viewOf(bytes).comm).toBe('\ufffdixteen-bytes-xx');
  });

  it('refuses an event that holds less than it says', () => {
    expect(() => viewOf(encode({}, [1, 2, 3, 4, 5, 6, 7, 8]).subarray(0, EVENT_BYTES + 7))).toThrow(
      RangeError,
    );
  });
});

describe('EVENT_FIELDS', () => {
  it('leave no gap, so that no byte of the kernel leaks into an event', () => {
    let at = 0;
    for (const { offset, type, count } of EVENT_FIELDS) {
      expect(offset).toBe(at);
      at += FIELD_BYTES[type] * count;
    }
    expect(at).toBe(EVENT_BYTES);
  });

  it('are asserted in the C that is emitted', () => {
    const header = emitEventHeader();
    expect(header).toContain('_Static_assert(__builtin_offsetof(struct xcap_event, comm) == 108');
    expect(header).toContain(`sizeof(struct xcap_event) == ${EVENT_BYTES}`);
  });
});
