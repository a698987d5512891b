import { describe, expect, test } from 'vitest';
import { UsageError } from '../../../src/errors.ts';
import { NetnsNames } from '../../../src/kernel/netns.ts';
import { MapReader } from '../../support/kernels.ts';

const NSFS = 4;
const OWN = 4026531833;
const BLUE = 4026532573;
const NGINX = 4026532700;

function machine(): MapReader {
  const ns = (inode: number): { inode: number; device: number } => ({ inode, device: NSFS });
  return new MapReader({
    files: {
      '/proc/1/comm': 'systemd\n',
      '/proc/812/comm': 'nginx\n',
      '/proc/90/comm': 'nginx-init\n',
      '/proc/self/status': '',
    },
    links: {
      '/proc/1/ns/net': `net:[${OWN}]`,
      '/proc/812/ns/net': `net:[${NGINX}]`,
      '/proc/90/ns/net': `net:[${NGINX}]`,
      '/proc/812/ns/mnt': 'mnt:[4026532701]',
    },
    inodes: {
      '/proc/self/ns/net': ns(OWN),
      '/proc/1/ns/net': ns(OWN),
      '/proc/90/ns/net': ns(NGINX),
      '/proc/812/ns/net': ns(NGINX),
      '/proc/812/ns/mnt': ns(4026532701),
      '/run/netns/blue': ns(BLUE),
      '/run/netns/4': ns(4026532999),
      // A name whose mount is gone.
      '/run/netns/stale': { inode: 77, device: 25 },
    },
  });
}

const caught = (call: () => unknown): UsageError => {
  try {
    call();
  } catch (error) {
    if (error instanceof UsageError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};

describe('NetnsNames', () => {
  test.each([
    [BLUE, 'blue', 'blue', '/run/netns/blue'],
    [NGINX, 'nginx-init/90', 'nginx-init/90', '/proc/90/ns/net'],
    [OWN, undefined, undefined, '/proc/self/ns/net'],
    [4026539999, undefined, 'inode:4026539999', undefined],
    [77, undefined, 'inode:77', undefined],
  ])('%i is named %s, labelled %s, entered by %s', (inode, name, label, path) => {
    const names = new NetnsNames(machine());
    expect(names.name(inode)).toBe(name);
    expect(names.label(inode)).toBe(label);
    expect(names.path(inode)).toBe(path);
  });

  test("the caller's own namespace has its name in /run/netns but no label", () => {
    const reader = machine();
    reader.inodes.set('/proc/self/ns/net', { inode: BLUE, device: NSFS });
    const names = new NetnsNames(reader);
    expect(names.name(BLUE)).toBe('blue');
    expect(names.label(BLUE)).toBeUndefined();
    expect(names.label(OWN)).toBe('systemd/1');
  });

  test('an inode number that was given to another namespace is renamed within a second', () => {
    let now = 0;
    const reader = machine();
    const names = new NetnsNames(reader, () => now);
    expect(names.name(BLUE)).toBe('blue');
    reader.inodes.delete('/run/netns/blue');
    reader.inodes.set('/run/netns/green', { inode: BLUE, device: NSFS });
    now = 999;
    expect(names.name(BLUE)).toBe('blue');
    now = 1000;
    expect(names.name(BLUE)).toBe('green');
  });

  test.each([
    [`0::/system.slice/docker-${'ab'.repeat(32)}.scope`, 'docker:abababababab'],
    [
      `0::/kubepods/pod3a2f1b4c-0d5e-46f7-8a9b-c0d1e2f3a4b5/${'ab'.repeat(32)}`,
      'pod:3a2f1b4c-0d5e-46f7-8a9b-c0d1e2f3a4b5',
    ],
    [`2:pids:/docker/${'ab'.repeat(32)}\n0::/`, 'docker:abababababab'],
    ['0::/system.slice/nginx.service', 'nginx-init/90'],
  ])('a namespace is named by the container of %s, and that name is taken too', (cgroup, name) => {
    const reader = machine();
    reader.files.set('/proc/90/cgroup', cgroup);
    const names = new NetnsNames(reader);
    expect(names.name(NGINX)).toBe(name);
    expect(names.parse(name)).toEqual({ inode: NGINX, path: '/proc/90/ns/net' });
  });

  test('an owner is asked again after five seconds, and replaced when it has left', () => {
    let now = 0;
    const reader = machine();
    const names = new NetnsNames(reader, () => now);
    expect(names.name(NGINX)).toBe('nginx-init/90');
    reader.links.set('/proc/90/ns/net', `net:[${OWN}]`);
    now = 4999;
    expect(names.name(NGINX)).toBe('nginx-init/90');
    now = 5000;
    expect(names.name(NGINX)).toBe('nginx/812');
  });

  test('namespaces of no owner do not cause a scan for each packet', () => {
    let now = 0;
    const reader = machine();
    const names = new NetnsNames(reader, () => now);
    const scans = (): number => reader.reads.filter((path) => path === '/proc').length;
    for (let i = 0; i < 100; i++) names.name(4026539999);
    expect(scans()).toBe(1);
    now = 1000;
    names.name(4026539999);
    expect(scans()).toBe(2);
  });
});

describe('NetnsNames.parse()', () => {
  test.each([
    ['self', OWN, '/proc/self/ns/net'],
    ['blue', BLUE, '/run/netns/blue'],
    ['812', NGINX, '/proc/812/ns/net'],
    ['4', 4026532999, '/run/netns/4'],
    ['/proc/812/ns/net', NGINX, '/proc/812/ns/net'],
    ['/run/netns/blue', BLUE, '/run/netns/blue'],
    [`inode:${BLUE}`, BLUE, '/run/netns/blue'],
    ['inode:4026539999', 4026539999, undefined],
  ])('%s is %i', (text, inode, path) => {
    expect(new NetnsNames(machine()).parse(text)).toEqual({ inode, path });
  });

  test.each([
    ['blu', /blu: no such namespace/, /did you mean blue\?/],
    ['Blue', /no such namespace/, /did you mean blue\?/],
    ['', /no such namespace/, /`ip netns` lists/],
    ['..', /no such namespace/, /./],
    ['99999', /99999: no such process/, undefined],
    ['/no/such', /no such file/, undefined],
    ['stale', /stale: not a network namespace/, /./],
    ['/proc/812/ns/mnt', /not a network namespace/, /./],
    ['inode:', /not an inode number/, /./],
    ['inode:0', /not an inode number/, /./],
    ['inode:4294967296', /not an inode number/, /./],
    ['inode:12x', /not an inode number/, /./],
  ])('%j is a usage error', (text, message, hint) => {
    const error = caught(() => new NetnsNames(machine()).parse(text));
    expect(error.message).toMatch(message);
    if (hint === undefined) expect(error.hint).toBeUndefined();
    else expect(error.hint).toMatch(hint);
  });
});
