import { describe, expect, test } from 'vitest';
import { RuntimeError, UsageError } from '../../../src/errors.ts';
import { type InterfaceRef, resolveInterface } from '../../../src/kernel/interfaces.ts';
import { type Link, type ListLinks, parseIpLinks, sysfsLinks } from '../../../src/kernel/links.ts';
import { NetnsNames } from '../../../src/kernel/netns.ts';
import { MapReader } from '../../support/kernels.ts';

const OWN = 4026531833;
const BLUE = 4026532573;
const DEV = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs
    lo: 1420      14    0    0    0     0          0         0     1420      14
  eth0:84532     101    0    0    0     0          0         0    23532     101
eth0.5@x:    0       0    0    0    0     0          0         0        0       0
`;
const IGMP = `Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter
1\tlo        :     1      V3
\t\t\t\t010000E0     1 0:00000000\t\t0
2\teth0      :     1      V3
`;

function machine(): MapReader {
  const sysfs = (name: string, ifindex: number, type: number): Record<string, string> => ({
    [`/sys/class/net/${name}/ifindex`]: `${ifindex}\n`,
    [`/sys/class/net/${name}/type`]: `${type}\n`,
  });
  return new MapReader({
    files: {
      ...sysfs('lo', 1, 772),
      ...sysfs('eth0', 2, 1),
      ...sysfs('eth0.5@x', 9, 1),
      '/sys/class/net/bonding_masters': 'bond0\n',
      '/proc/self/net/dev': DEV,
      '/proc/self/net/igmp': IGMP,
    },
    inodes: {
      '/proc/self/ns/net': { inode: OWN, device: 4 },
      '/run/netns/blue': { inode: BLUE, device: 4 },
    },
  });
}

const BLUE_LINKS: readonly Link[] = [
  { name: 'lo', ifindex: 1, type: 772 },
  { name: 'eth1', ifindex: 7, type: 1 },
];

/** Resolves on that machine; `asked` gets the namespaces whose devices were listed. */
function resolve(
  text: string,
  reader = machine(),
  asked: unknown[] = [],
): InterfaceRef | undefined {
  const listLinks: ListLinks = (path) => {
    asked.push(path);
    return BLUE_LINKS;
  };
  return resolveInterface(text, { reader, netns: new NetnsNames(reader), listLinks });
}

describe('resolveInterface()', () => {
  test.each([
    ['eth0', { name: 'eth0', ifindex: 2, type: 1, netns: OWN }],
    ['lo@self', { name: 'lo', ifindex: 1, type: 772, netns: OWN }],
    ['eth0.5@x', { name: 'eth0.5@x', ifindex: 9, type: 1, netns: OWN }],
    ['any', undefined],
  ])('%s is resolved from sysfs, without another process', (text, expected) => {
    const asked: unknown[] = [];
    expect(resolve(text, machine(), asked)).toEqual(expected);
    expect(asked).toEqual([]);
  });

  test('IFACE@NETNS is looked up inside that namespace', () => {
    const asked: unknown[] = [];
    expect(resolve('eth1@blue', machine(), asked)).toEqual({
      name: 'eth1',
      ifindex: 7,
      type: 1,
      netns: BLUE,
    });
    expect(asked).toEqual(['/run/netns/blue']);
  });

  test("sysfs of another namespace is not taken for the caller's own", () => {
    const otherNames = machine();
    otherNames.files.set('/proc/self/net/dev', DEV.replace('eth0:', 'eth1:'));
    const otherIndex = machine();
    otherIndex.files.set('/proc/self/net/igmp', IGMP.replace('2\teth0', '7\teth0'));
    for (const reader of [otherNames, otherIndex]) {
      expect(sysfsLinks(reader)).toBeUndefined();
      const asked: unknown[] = [];
      expect(resolve('eth1', reader, asked)).toMatchObject({ ifindex: 7, netns: OWN });
      expect(asked).toEqual([undefined]);
    }
  });

  test.each([
    ['eht0', /eht0: no such device here/, /did you mean eth0\? devices here are lo, eth0/],
    ['eth9@blue', /eth9@blue: no such device in blue/, /did you mean eth1\?/],
    ['eth0@blu', /blu: no such namespace/, /did you mean blue\?/],
    ['eth0@inode:4026539999', /no process or name leads to inode:4026539999/, /--netns/],
    ['', /no such device/, /./],
    ['@blue', /no such device/, /./],
  ])('%j is a usage error', (text, message, hint) => {
    let error: unknown;
    try {
      resolve(text);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(UsageError);
    expect((error as UsageError).message).toMatch(message);
    expect((error as UsageError).hint).toMatch(hint);
  });
});

describe('parseIpLinks()', () => {
  test('reads what ip prints, unknown types too', () => {
    const json = JSON.stringify([
      { ifindex: 1, ifname: 'lo', link_type: 'loopback' },
      { ifindex: 5, ifname: 'wg0', link_type: 'none' },
      { ifindex: 6, ifname: 'x', link_type: '[555]' },
      { ifindex: 7, ifname: 'y', link_type: 'never-heard' },
      {},
    ]);
    expect(parseIpLinks(json)).toEqual([
      { name: 'lo', ifindex: 1, type: 772 },
      { name: 'wg0', ifindex: 5, type: 0xfffe },
      { name: 'x', ifindex: 6, type: 555 },
      { name: 'y', ifindex: 7, type: undefined },
    ]);
  });

  test('refuses what is no JSON', () => {
    expect(() => parseIpLinks('1: lo: <LOOPBACK>')).toThrow(RuntimeError);
  });
});
