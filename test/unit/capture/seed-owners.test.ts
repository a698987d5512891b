import { expect, test } from 'vitest';
import { ownerBytes, portKey, type RawOwner } from '../../../src/abi/who.ts';
import { seedOwners } from '../../../src/capture/seed-owners.ts';
import { SocketOwners } from '../../../src/kernel/socket-owners.ts';
import { MapReader } from '../../support/kernels.ts';

function machine(): MapReader {
  return new MapReader({
    files: {
      '/proc/9/comm': 'nginx\n',
      '/proc/9/net/tcp': '   0: 00000000:0050 00000000:0000 0A 0:0 00:0 0 0 0 11 1\n',
    },
    links: {
      '/proc/9/fd/3': 'socket:[11]',
      '/proc/9/fd/4': 'socket:[12]',
      '/proc/9/ns/net': 'net:[7]',
    },
  });
}

test('seedOwners() tells of sockets by their inodes, and of the ports that they listen on', () => {
  const reader = machine();
  const put: [bigint, RawOwner][] = [];
  const session = { putOwner: (key: bigint, owner: RawOwner) => put.push([key, owner]) < 3 };
  expect(seedOwners(session, new SocketOwners(reader, () => 0), reader)).toBe(1);
  expect(put).toEqual([
    [11n, { pid: 9, comm: 'nginx', by: 'proc' }],
    [12n, { pid: 9, comm: 'nginx', by: 'proc' }],
    [portKey(7, 80), { pid: 9, comm: 'nginx', by: 'listener' }],
  ]);
});

test('portKey() is no inode, no address, no process, and tells ports and namespaces apart', () => {
  expect(portKey(0xf0000000, 0x1234)).toBe(0x4000_f000_0000_1234n);
});

test('ownerBytes() is struct xcap_owner; a name is cut at 15 bytes', () => {
  const bytes = ownerBytes({ pid: 0x01020304, comm: 'a-very-long-name-of-it', by: 'connect' });
  expect(Buffer.from(bytes).toString('latin1')).toBe('\x04\x03\x02\x01\x03\0\0\0a-very-long-nam\0');
});
