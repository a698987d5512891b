import { expect, test } from 'vitest';
import { EVENT_BYTES } from '../../../src/abi/events.ts';
import { WHO_BYTES, WHO_FIELDS } from '../../../src/abi/who.ts';
import { EventRecord } from '../../../src/records/event-record.ts';
import type { Names } from '../../../src/records/names.ts';
import { NO_NAMES } from '../../support/names.ts';

const ID = 'a'.repeat(64);

const NAMES: Names = {
  ...NO_NAMES,
  cgroup: (id) =>
    new Map([
      [1, '/'],
      [20, `/docker/${ID}`],
      [30, '/system.slice/a.service'],
    ]).get(id),
  cgroupOfProcess: (pid) => (pid === 7 ? `/kubepods/pod${'b'.repeat(32)}/${ID}` : undefined),
};

const STEP = EVENT_BYTES + WHO_BYTES + 8;

/** Events that differ in nothing but whose they are. */
function recordOf(...events: readonly Readonly<Record<string, number | string>>[]): EventRecord {
  const memory = new Uint8Array(STEP * events.length);
  const view = new DataView(memory.buffer);
  events.forEach((values, i) => {
    for (const { name, type, offset } of WHO_FIELDS) {
      const at = i * STEP + EVENT_BYTES + offset;
      const value = values[name] ?? 0;
      if (typeof value === 'string') memory.set(new TextEncoder().encode(value), at);
      else if (type === 'u64') view.setBigUint64(at, BigInt(value), true);
      else if (type === 'u32') view.setUint32(at, value, true);
      else view.setUint8(at, value);
    }
  });
  return new EventRecord(memory, NAMES, { whoBytes: WHO_BYTES });
}

function whoOf(values: Readonly<Record<string, number | string>>) {
  const record = recordOf(values);
  record.moveTo(0, STEP);
  const { ownerPid, ownerComm, ownerBy, cgroup, cgroupBy, container, pod, whoLabel } = record;
  const all = { ownerPid, ownerComm, ownerBy, cgroup, cgroupBy, container, pod, whoLabel };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

test.each([
  ['nobody is known', {}, {}],
  [
    'the owner',
    { owner: 9, owner_by: 5, owner_comm: 'nginx' },
    { ownerPid: 9, ownerComm: 'nginx', ownerBy: 'accept' },
  ],
  [
    'the cgroup of a container',
    { cgroup: 20, cgroup_by: 1 },
    { cgroup: `/docker/${ID}`, cgroupBy: 'socket', container: ID, whoLabel: 'docker:aaaaaaaaaaaa' },
  ],
  [
    'a cgroup that is none of a container',
    { cgroup: 30, cgroup_by: 2 },
    { cgroup: '/system.slice/a.service', cgroupBy: 'task', whoLabel: '/system.slice/a.service' },
  ],
  [
    'the root, which says nothing',
    { cgroup: 1, cgroup_by: 1 },
    { cgroup: '/', cgroupBy: 'socket' },
  ],
  [
    'one that is gone',
    { cgroup: 31, cgroup_by: 1 },
    { cgroup: 'id:31', cgroupBy: 'socket', whoLabel: 'id:31' },
  ],
  [
    'a container in version 1, by its process',
    { cgroup: 1, cgroup_by: 1, owner: 7, owner_by: 1 },
    {
      ...{ ownerPid: 7, ownerComm: '', ownerBy: 'proc', cgroupBy: 'proc', container: ID },
      cgroup: `/kubepods/pod${'b'.repeat(32)}/${ID}`,
      pod: 'b'.repeat(32),
      whoLabel: `pod:${'b'.repeat(32)}`,
    },
  ],
])('a record says whose packet it is: %s', (_what, values, expected) => {
  expect(whoOf(values)).toEqual(expected);
});

test('events of different owners are no alike events', () => {
  const record = recordOf(
    { owner: 1, owner_by: 1 },
    { owner: 3, owner_by: 1 },
    { owner: 1, owner_by: 1 },
  );
  const seen = [0, 1, 2].map((i) => {
    record.moveTo(i * STEP, STEP);
    return [record.ownerPid, record.common];
  });
  expect(seen.map(([pid]) => pid)).toEqual([1, 3, 1]);
  expect(seen[0]![1]).toBe(seen[2]![1]);
  expect(seen[0]![1]).not.toBe(seen[1]![1]);
});
