import { describe, expect, test } from 'vitest';
import { EVENT_BYTES, EVENT_FIELDS } from '../../../src/abi/events.ts';
import { EventRecord } from '../../../src/records/event-record.ts';
import type { Names } from '../../../src/records/names.ts';

const STEP = EVENT_BYTES + 64;

/** Events one behind the other, as a ring has them. */
function memoryOf(
  events: readonly Readonly<Record<string, number | bigint | string>>[],
): Uint8Array {
  const memory = new Uint8Array(STEP * events.length);
  const view = new DataView(memory.buffer);
  events.forEach((values, i) => {
    for (const { name, type, offset } of EVENT_FIELDS) {
      const at = i * STEP + offset;
      const value = values[name] ?? 0;
      if (typeof value === 'string') memory.set(new TextEncoder().encode(value), at);
      else if (type === 'u64') view.setBigUint64(at, BigInt(value), true);
      else if (type === 'u32') view.setUint32(at, Number(value), true);
      else if (type === 'u16') view.setUint16(at, Number(value), true);
      else view.setUint8(at, Number(value));
    }
  });
  return memory;
}

const PING = { time_ns: 5n, netns: 7, ifindex: 2, ifname: 'eth1', comm: 'ping', tgid: 42, link: 1 };

function makeNames(changes: Partial<Names> = {}): { names: Names; asked: number[] } {
  const asked: number[] = [];
  const names: Names = {
    hooks: ['drop', 'fexit:ip_rcv'],
    attachPoints: [],
    socketOwner: (inode) => (inode === 4711 ? { pid: 9, comm: 'xsk' } : undefined),
    returns: [undefined, { kind: 'signed', bits: 32 }],
    clockOffsetNs: () => 1000n,
    reason: (value) => `R${value}`,
    location: (address) => `f+0x${address.toString(16)}`,
    netns: (inode) => {
      asked.push(inode);
      return `ns${inode}`;
    },
    netnsLabel: (inode) => `ns${inode}`,
    contextByStack: false,
    user: undefined,
    ...changes,
  };
  return { names, asked };
}

describe('EventRecord', () => {
  test('asks for the names of alike events once, until it refreshes', () => {
    const { names, asked } = makeNames();
    const memory = memoryOf([
      PING,
      { ...PING, time_ns: 6n, queue: 3 },
      { ...PING, netns: 8 },
      PING,
    ]);
    const record = new EventRecord(memory, names);
    const seen = [0, 1, 2, 3].map((i) => {
      record.moveTo(i * STEP, STEP);
      const { netnsName, timeNs, queue, common } = record;
      return { netnsName, timeNs, queue, common };
    });
    expect(seen.map(({ netnsName, queue }) => [netnsName, queue])).toEqual([
      ...[
        ['ns7', 0],
        ['ns7', 3],
        ['ns8', 0],
        ['ns7', 0],
      ],
    ]);
    expect(seen[0]?.common).toBe(seen[1]?.common);
    expect(seen[0]?.common).toBe(seen[3]?.common);
    expect(seen[0]?.common).not.toBe(seen[2]?.common);
    expect(asked).toEqual([7, 8]);
    record.refresh();
    record.moveTo(0, STEP);
    expect(asked).toEqual([7, 8, 7]);
    expect(record.timeNs).toBe(1005n);
    expect(record.common).not.toBe(seen[0]?.common);
  });

  test('keeps nothing of an event that had more fields than others', () => {
    const { names } = makeNames();
    const memory = memoryOf([
      { ...PING, hook: 1, ret: 0xffffffffn, flags: 1 },
      { ...PING, socket: 4711 },
      { ...PING, link: 2, captured_length: 48 },
      { ...PING, packet_id: 3n },
      PING,
    ]);
    const record = new EventRecord(memory, names);
    const seen = [0, 1, 2, 3, 4].map((i) => {
      record.moveTo(i * STEP, STEP);
      const { ret, ownerPid, ownerComm, family, packetId, common } = record;
      return { ret, ownerPid, ownerComm, family, packetId, plain: common !== undefined };
    });
    const nothing = {
      ...{ ret: undefined, ownerPid: undefined, ownerComm: undefined },
      ...{ family: undefined, packetId: undefined },
    };
    expect(seen).toEqual([
      { ...nothing, ret: '-EPERM', plain: false },
      { ...nothing, ownerPid: 9, ownerComm: 'xsk', plain: false },
      { ...nothing, family: '0', plain: false },
      { ...nothing, packetId: 3n, plain: true },
      { ...nothing, plain: true },
    ]);
  });

  test('tells reason and location of drops only', () => {
    const { names } = makeNames();
    const memory = memoryOf([
      { ...PING, reason: 3, location: 0x10n },
      { ...PING, reason: 3 },
    ]);
    const record = new EventRecord(memory, names);
    record.moveTo(0, STEP);
    expect([record.reason, record.location]).toEqual(['R3', 'f+0x10']);
    record.moveTo(STEP, STEP);
    expect([record.reason, record.location]).toEqual([undefined, undefined]);
  });

  test('knows softirq in ksoftirqd, where the context was told by the stack', () => {
    const memory = memoryOf([{ ...PING, comm: 'ksoftirqd/1', context: 1 }]);
    const contextOf = (contextByStack: boolean): string | undefined => {
      const record = new EventRecord(memory, makeNames({ contextByStack }).names);
      record.moveTo(0, STEP);
      return record.context;
    };
    expect([contextOf(true), contextOf(false)]).toEqual(['softirq', 'process']);
  });
});
