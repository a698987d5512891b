import { describe, expect, test } from 'vitest';
import { SocketOwners } from '../../../src/kernel/socket-owners.ts';
import { MapReader } from '../../support/kernels.ts';

function machine(): MapReader {
  return new MapReader({
    files: { '/proc/90/comm': 'nginx\n', '/proc/812/comm': 'nginx\n', '/proc/7/comm': 'a b\n' },
    links: {
      '/proc/90/fd/0': '/dev/null',
      '/proc/90/fd/5': 'socket:[4711]',
      '/proc/812/fd/5': 'socket:[4711]',
      '/proc/812/fd/6': 'socket:[4712]',
      '/proc/7/fd/3': 'anon_inode:bpf-map',
    },
  });
}

describe('SocketOwners', () => {
  test.each([
    [4711, { pid: 90, comm: 'nginx' }],
    [4712, { pid: 812, comm: 'nginx' }],
    [4713, undefined],
  ])('socket:[%i] is of %o', (inode, owner) => {
    expect(new SocketOwners(machine(), () => 0).owner(inode)).toEqual(owner);
  });

  test('looks for a socket that it does not know once a second, and asks again in the end', () => {
    let now = 0;
    const reader = machine();
    const owners = new SocketOwners(reader, () => now);
    expect(owners.owner(4713)).toBeUndefined();
    reader.links.set('/proc/7/fd/4', 'socket:[4713]');
    now = 900;
    expect(owners.owner(4713)).toBeUndefined();
    now = 1100;
    expect(owners.owner(4713)).toEqual({ pid: 7, comm: 'a b' });
    reader.links.delete('/proc/7/fd/4');
    reader.links.set('/proc/812/fd/9', 'socket:[4713]');
    now = 2000;
    expect(owners.owner(4713)?.pid).toBe(7);
    now = 7000;
    expect(owners.owner(4713)?.pid).toBe(812);
  });
});
