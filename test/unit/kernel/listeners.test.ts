import { expect, test } from 'vitest';
import { findListeners } from '../../../src/kernel/listeners.ts';
import { MapReader } from '../../support/kernels.ts';

const HEAD =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
const row = (local: string, state: string, inode: number): string =>
  `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 ffff8881 100 0 0 10 0\n`;

test('findListeners() reads the listening sockets of each namespace once', () => {
  const v6 = '00000000000000000000000000000000';
  const reader = new MapReader({
    files: {
      '/proc/1/net/tcp': `${HEAD}${row('0100007F:0016', '0A', 11)}${row('0100007F:0016', '01', 12)}`,
      '/proc/1/net/tcp6': `${HEAD}   1: ${v6}:1F90 ${v6}:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 13 1 ffff8881 100\n`,
      '/proc/2/net/tcp': `${HEAD}${row('00000000:FFFF', '0A', 99)}`,
      '/proc/3/net/tcp': `${HEAD}${row('00000000:FFFF', '0A', 14)}`,
      '/proc/4/comm': 'ended',
    },
    links: {
      '/proc/1/ns/net': 'net:[4026531833]',
      '/proc/2/ns/net': 'net:[4026531833]',
      '/proc/3/ns/net': 'net:[4026532000]',
    },
  });
  expect([...findListeners(reader)]).toEqual([
    { netns: 4026531833, port: 22, inode: 11 },
    { netns: 4026531833, port: 8080, inode: 13 },
    { netns: 4026532000, port: 65535, inode: 14 },
  ]);
});
