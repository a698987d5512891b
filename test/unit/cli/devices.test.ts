import { describe, expect, test } from 'vitest';
import { formatDevices, listDevices, resolveDevice } from '../../../src/cli/devices.ts';
import { UsageError } from '../../../src/errors.ts';
import type { FileReader } from '../../../src/kernel/reader.ts';

/** sysfs of a host, as files. */
function sysfs(devices: Record<string, Record<string, string>>): FileReader {
  const files = new Map(
    Object.entries(devices).flatMap(([name, all]) =>
      Object.entries(all).map(([file, text]) => [`/sys/class/net/${name}/${file}`, text]),
    ),
  );
  const dev = Object.keys(devices).map((name) => `${name}: 0 0`);
  files.set('/proc/self/net/dev', ['Inter-', ' face', ...dev].join('\n'));
  return {
    readFile: (path) => {
      const text = files.get(path);
      return text === undefined ? undefined : new TextEncoder().encode(text);
    },
    readFolders: () => undefined,
    readDir: (path) => (path === '/sys/class/net' ? Object.keys(devices) : undefined),
    readLink: () => undefined,
    stat: () => undefined,
  };
}

const reader = sysfs({
  lo: { ifindex: '1', type: '772', flags: '0x9', carrier: '1' },
  ifb0: { ifindex: '2', type: '1', flags: '0x82' },
  eth0: { ifindex: '4', type: '1', flags: '0x1003', carrier: '1' },
  eth1: { ifindex: '3', type: '1', flags: '0x1003', carrier: '0' },
  '9': { ifindex: '12', type: '1', flags: '0x1002' },
});

test('listDevices() puts those that are up first, loopback after them, as -D prints it', () => {
  expect(formatDevices(listDevices(reader))).toEqual([
    '1.eth1 [Up, Disconnected]',
    '2.eth0 [Up, Running, Connected]',
    '3.lo [Up, Running, Loopback]',
    '4.ifb0 [none]',
    '5.9 [none]',
    '6.any (all devices of all network namespaces)',
  ]);
});

describe('resolveDevice()', () => {
  test.each([
    ['eth0', 'eth0'],
    ['eth0@blue', 'eth0@blue'],
    ['2', 'eth0'],
    ['6', 'any'],
    ['9', '9'],
    ['nosuch', 'nosuch'],
  ])('takes %s for %s', (text, name) => {
    expect(resolveDevice('-i', text, reader)).toBe(name);
  });

  test.each(['0', '7', '99999'])('refuses the number %s', (text) => {
    expect(() => resolveDevice('-i', text, reader)).toThrow(UsageError);
  });
});
