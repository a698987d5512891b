import { describe, expect, it } from 'vitest';
import { topJsonLines } from '../../../../src/output/top/json.ts';
import { topLines } from '../../../../src/output/top/lines.ts';
import { sampleRow, sampleTable, UDP_FLOW } from './samples.ts';

const labels = {
  ...{ reason: 'NO_SOCKET', location: 'nft_do_chain+0x40e [nf_tables]', flow: UDP_FLOW },
  ...{ iface: 'eth1', ifindex: 3, netns: 4026532173, netnsName: 'blue' },
};
const by = ['reason', 'location', 'iface', 'flow'] as const;
const table = sampleTable(by, [sampleRow(labels, 10, 30)], { other: sampleRow({}, 2) });

describe('topLines()', () => {
  it('has words that can be looked for, and a last line with the sum', () => {
    expect(topLines(table, '12:00:00.000000000 ').split('\n')).toEqual([
      '12:00:00.000000000 packets/s=10 bytes/s=1000 packets=30 bytes=3000 reason=NO_SOCKET ' +
        'location="nft_do_chain+0x40e [nf_tables]" iface=eth1 ifindex=3 netns=4026532173 ' +
        'netns_name=blue proto=UDP src=10.0.0.1 sport=4242 dst=10.0.0.2 dport=9',
      '12:00:00.000000000 packets/s=2 bytes/s=200 packets=2 bytes=200 other',
      '12:00:00.000000000 packets/s=10 bytes/s=1000 packets=30 bytes=3000 all',
      '',
    ]);
  });

  it('marks what is of the whole run', () => {
    const lines = topLines({ ...table, final: true }, '12:00:00.000000000 ')
      .trim()
      .split('\n');
    expect(lines.map((line) => line.split(' ')[0])).toEqual(['total', 'total', 'total']);
  });

  it('names what is not IP by its type', () => {
    const flow = { ethertype: 0x0806, ip: undefined };
    expect(topLines(sampleTable(['flow'], [sampleRow({ flow }, 1)]), '')).toMatch(/ proto=ARP\n/);
  });
});

describe('topJsonLines()', () => {
  const lines = topJsonLines(table)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as object);

  it('has an object for each row, then what had no room, then the sum', () => {
    const head = { schema: 1, time: '1763697600123456789', of: 'interval', seconds: 1 };
    expect(lines).toEqual([
      {
        ...{ ...head, row: 'key', packets: 30, bytes: 3000 },
        ...{ packets_per_second: 10, bytes_per_second: 1000 },
        ...{ reason: 'NO_SOCKET', location: 'nft_do_chain+0x40e [nf_tables]' },
        ...{ iface: 'eth1', ifindex: 3, netns: 4026532173, netns_name: 'blue' },
        ...{
          ethertype: 0x0800,
          proto: 17,
          src: '10.0.0.1',
          sport: 4242,
          dst: '10.0.0.2',
          dport: 9,
        },
      },
      {
        ...{ ...head, row: 'other', packets: 2, bytes: 200 },
        ...{ packets_per_second: 2, bytes_per_second: 200 },
      },
      {
        ...{ ...head, row: 'all', packets: 30, bytes: 3000 },
        ...{ packets_per_second: 10, bytes_per_second: 1000 },
      },
    ]);
  });

  it('is ASCII whatever a name is', () => {
    const text = topJsonLines(sampleTable(['comm'], [sampleRow({ comm: 'ü\x1b\u2028' }, 1)]));
    expect(text).toMatch(/^[\n -~]*$/);
    expect((JSON.parse(text.split('\n')[0]!) as { comm: string }).comm).toBe('ü\x1b\u2028');
  });
});
