import { describe, expect, test } from 'vitest';
import { Cgroups } from '../../../src/kernel/cgroups.ts';
import { MapReader } from '../../support/kernels.ts';

const ID = 'c'.repeat(64);
const OTHER = 'cd'.repeat(32);
const MOUNT = '/sys/fs/cgroup';

/** Their inode numbers are 1, 2, 3, ... in this order. */
const PATHS = [
  '',
  '/system.slice',
  '/system.slice/ssh.service',
  '/user.slice',
  '/user.slice/ssh.service',
  `/system.slice/docker-${ID}.scope`,
  `/system.slice/docker-${ID}.scope/inner`,
  `/system.slice/docker-${OTHER}.scope`,
];

function make(): { reader: MapReader; cgroups: Cgroups; later: (ms: number) => void } {
  let now = 0;
  const reader = new MapReader({
    files: {
      '/proc/self/mountinfo': [
        '24 1 0:21 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu',
        `29 24 0:26 / ${MOUNT} rw,nosuid shared:4 - cgroup2 cgroup2 rw`,
      ].join('\n'),
      ...Object.fromEntries(PATHS.map((path) => [`${MOUNT}${path}/cgroup.procs`, ''])),
    },
    inodes: Object.fromEntries(
      PATHS.map((path, i) => [`${MOUNT}${path}`, { inode: i + 1, device: 26 }]),
    ),
  });
  return { reader, cgroups: new Cgroups(reader, () => now), later: (ms) => (now += ms) };
}

describe('Cgroups', () => {
  test('path() tells of those that there are, and of those that were', () => {
    const { reader, cgroups, later } = make();
    expect(cgroups.path(1)).toBe('/');
    expect(cgroups.path(3)).toBe('/system.slice/ssh.service');
    expect(cgroups.path(99)).toBeUndefined();
    reader.files.delete(`${MOUNT}/user.slice/ssh.service/cgroup.procs`);
    reader.files.set(`${MOUNT}/new/cgroup.procs`, '');
    reader.inodes.set(`${MOUNT}/new`, { inode: 99, device: 26 });
    expect(cgroups.path(99)).toBeUndefined();
    later(1001);
    expect(cgroups.path(99)).toBe('/new');
    expect(cgroups.path(5)).toBe('/user.slice/ssh.service');
  });

  test.each<[text: string, id: number, level: number]>([
    ['/', 1, 0],
    ['/system.slice', 2, 1],
    ['/system.slice/ssh.service/', 3, 2],
    [`${MOUNT}/user.slice/ssh.service`, 5, 2],
    [MOUNT, 1, 0],
    ['user.slice/ssh.service', 5, 2],
    ['inner', 7, 3],
    ['id:4', 4, 1],
  ])('parse() takes %s', (text, id, level) => {
    expect(make().cgroups.parse(text)).toEqual({ id, level });
  });

  test.each<[text: string, message: string, hint: RegExp]>([
    ['ssh.service', 'choosing cgroups: ssh.service: 2 are meant', /\/system.slice\/ssh.service/],
    [
      '/system.slise',
      'choosing cgroups: /system.slise: no such one',
      /did you mean \/system.slice/,
    ],
    ['id:77', 'choosing cgroups: id:77: no cgroup with that id', /systemd-cgls/],
  ])('parse() refuses %s', (text, message, hint) => {
    expect(() => make().cgroups.parse(text)).toThrow(
      expect.objectContaining({ message, hint: expect.stringMatching(hint) as string }),
    );
  });

  test('parse() says where there is no cgroup v2', () => {
    const { reader, cgroups } = make();
    reader.files.set('/proc/self/mountinfo', '');
    expect(() => cgroups.parse('/a')).toThrow('cgroup v2 is not mounted');
    expect(() => cgroups.parseContainer('a')).toThrow('cgroup v2 is not mounted');
    expect(cgroups.path(1)).toBeUndefined();
  });

  test('parseContainer() takes the start of an id, and the outermost cgroup of the container', () => {
    const { cgroups } = make();
    expect(cgroups.parseContainer(ID)).toEqual({ id: 6, level: 2 });
    expect(cgroups.parseContainer('cccc')).toEqual({ id: 6, level: 2 });
    expect(cgroups.parseContainer('docker:cdcd')).toEqual({ id: 8, level: 2 });
    expect(() => cgroups.parseContainer('c')).toThrow('choosing containers: c: 2 are meant');
    expect(() => cgroups.parseContainer('pod:abc')).toThrow('no such one');
  });

  test.each<[text: string, path: string | undefined]>([
    ['0::/a/b', '/a/b'],
    [`12:pids:/docker/${ID}\n1:name=systemd:/docker/${ID}\n0::/`, `/docker/${ID}`],
    ['3:cpu:/\n1:name=systemd:/user.slice/x\n0::/', '/user.slice/x'],
    ['2:a:/with:colon', '/with:colon'],
    ['0::/', '/'],
    ['', undefined],
  ])('ofProcess() reads %j', (text, path) => {
    const { reader, cgroups } = make();
    reader.files.set('/proc/7/cgroup', text);
    expect(cgroups.ofProcess(7)).toBe(path);
    expect(cgroups.ofProcess(8)).toBeUndefined();
  });
});
