import { expect, test } from 'vitest';
import { followProcesses } from '../../../src/capture/follow-processes.ts';
import type { MetadataFilter } from '../../../src/capture/options.ts';
import { MapReader } from '../../support/kernels.ts';

/** Process to its parent, and its name. */
function machine(processes: Readonly<Record<number, number>>, name = 'sh'): MapReader {
  return new MapReader({
    files: Object.fromEntries(
      Object.entries(processes).map(([pid, parent]) => [
        `/proc/${pid}/stat`,
        `${pid} (${name}) S ${parent} 1 1 0 -1 4194304 100 0\n`,
      ]),
    ),
  });
}

function followed(
  reader: MapReader,
  filters: readonly MetadataFilter[],
  whenPut: (pid: number) => void = () => undefined,
): Readonly<Record<number, string>> {
  const sides: Record<number, string> = {};
  const session = {
    follow: (pid: number, side: string): void => {
      sides[pid] = side;
      whenPut(pid);
    },
  };
  followProcesses(session, filters, reader);
  return sides;
}

const TREE = { 1: 0, 10: 1, 20: 10, 30: 20, 11: 1, 21: 11 };

test('followProcesses() puts processes and what came of them on their sides', () => {
  const filters: MetadataFilter[] = [
    { key: 'pid', negate: false, value: 10 },
    { key: 'comm', negate: false, value: 'x' },
    { key: 'pid', negate: true, value: 30 },
  ];
  expect(followed(machine(TREE), filters)).toEqual({ 10: 'accept', 20: 'accept', 30: 'refuse' });
  expect(followed(machine(TREE), [{ key: 'pid', negate: false, value: 1 }])).toEqual({
    ...{ 1: 'accept', 10: 'accept', 11: 'accept' },
    ...{ 20: 'accept', 21: 'accept', 30: 'accept' },
  });
});

test('followProcesses() takes a name with brackets and blanks for a name', () => {
  const reader = machine(TREE, 'a) R 1 (b');
  expect(followed(reader, [{ key: 'pid', negate: false, value: 20 }])).toEqual({
    20: 'accept',
    30: 'accept',
  });
});

test('followProcesses() looks again when somebody came to be meanwhile', () => {
  const reader = machine(TREE);
  const sides = followed(reader, [{ key: 'pid', negate: false, value: 20 }], (pid) => {
    if (pid === 30) reader.files.set('/proc/40/stat', '40 (sh) S 30 1 1\n');
  });
  expect(sides).toEqual({ 20: 'accept', 30: 'accept', 40: 'accept' });
});
