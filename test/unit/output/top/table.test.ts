import { describe, expect, it } from 'vitest';
import { Screen } from '../../../../src/output/top/screen.ts';
import { rateText, topTableLines } from '../../../../src/output/top/table.ts';
import { sampleRow, sampleTable, UDP_FLOW } from './samples.ts';

const drops = sampleTable(
  ['reason', 'location'],
  [
    sampleRow({ reason: 'NETFILTER_DROP', location: 'nf_hook_slow+0x7d' }, 1200, 34000),
    sampleRow({ reason: 'NO_SOCKET', location: 'icmp_rcv+0x1f' }, 0.5, 12),
  ],
);

describe('topTableLines()', () => {
  it('has numbers to the right, names to the left, and the sum below', () => {
    expect(topTableLines(drops, undefined)).toEqual([
      'packets/s  bytes/s  packets    bytes  reason          location',
      '     1200   120000    34000  3400000  NETFILTER_DROP  nf_hook_slow+0x7d',
      '      0.5       50       12     1200  NO_SOCKET       icmp_rcv+0x1f',
      '     1201   120050    34012  3401200  all',
    ]);
  });

  it.each([40, 60, 66, 70, 80, 200])('fits %i columns', (columns) => {
    const lines = topTableLines(drops, { columns, rows: 24 });
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
    expect(lines).toHaveLength(4);
  });

  it('shortens the widest names first, and says where', () => {
    expect(topTableLines(drops, { columns: 64, rows: 24 })[1]).toBe(
      '     1200   120000    34000  3400000  NETFILTER_D…  nf_hook_slo…',
    );
  });

  it.each([3, 4, 10, 22])('fits %i rows, and adds up what it leaves out', (rows) => {
    const many = sampleTable(
      ['hook'],
      Array.from({ length: 20 }, (_, i) => sampleRow({ hook: `hook${i}` }, 100 - i)),
    );
    const lines = topTableLines(many, { columns: 80, rows });
    expect(lines).toHaveLength(rows);
    const sum = lines
      .slice(1, -1)
      .reduce((total, line) => total + Number(/^ *\d+ +\d+ +(\d+)/.exec(line)?.[1]), 0);
    expect(sum).toBe(many.all.packets);
    if (rows < 22) {
      expect(lines.at(-2)).toMatch(new RegExp(` ${20 - (rows - 3)} more rows$`));
    }
  });

  it('shows what had no room between the rows and the sum', () => {
    const table = { ...drops, other: sampleRow({}, 7) };
    expect(topTableLines(table, undefined).at(-2)).toMatch(
      /^ +7 +700 +7 +700 {2}other \(no room\)$/,
    );
  });

  it('names devices with their namespace unless that has a column', () => {
    const labels = { iface: 'eth1', netns: 4026532173, netnsName: 'blue', netnsLabel: 'blue' };
    const cells = (by: ('iface' | 'netns')[]): string =>
      topTableLines(sampleTable(by, [sampleRow(labels, 1)]), undefined)[1]!.trim();
    expect(cells(['iface'])).toMatch(/ eth1@blue$/);
    expect(cells(['iface', 'netns'])).toMatch(/ eth1 {3}blue$/);
    expect(cells(['netns', 'iface'])).toMatch(/ blue {3}eth1$/);
  });

  it.each([
    [{ netns: 4026532173, netnsLabel: 'inode:4026532173' }, 'inode:4026532173'],
    [{ netns: 4026531840 }, 'self'],
    [{}, '-'],
  ])('names a namespace as --netns takes it: %j', (labels, text) => {
    const lines = topTableLines(sampleTable(['netns'], [sampleRow(labels, 1)]), undefined);
    expect(lines[1]!.endsWith(`  ${text}`)).toBe(true);
  });

  it.each([
    [{ comm: 'ping', context: 'process' }, 'ping'],
    [{ comm: 'ping', context: 'softirq' }, 'softirq(ping)'],
    [{ comm: 'a\x1b[2J', context: 'process' }, 'a\\x1b[2J'],
  ] as const)('names a task as a packet line does: %j', (labels, text) => {
    const lines = topTableLines(sampleTable(['comm'], [sampleRow(labels, 1)]), undefined);
    expect(lines[1]!.endsWith(`  ${text}`)).toBe(true);
  });

  it.each([
    [UDP_FLOW, 'UDP 10.0.0.1.4242 > 10.0.0.2.9'],
    [
      { ...UDP_FLOW, ip: { ...UDP_FLOW.ip, sourcePort: 0, destinationPort: 0 } },
      'UDP 10.0.0.1 > 10.0.0.2',
    ],
    [
      { ...UDP_FLOW, ip: { ...UDP_FLOW.ip, protocol: 254 } },
      'protocol-254 10.0.0.1.4242 > 10.0.0.2.9',
    ],
    [{ ethertype: 0x0806, ip: undefined }, 'ARP'],
    [{ ethertype: 0x1234, ip: undefined }, '0x1234'],
    [{ ethertype: 4, ip: undefined }, 'LLC'],
    [{ ethertype: undefined, ip: undefined }, '-'],
  ])('writes a flow as tcpdump does: %j', (flow, text) => {
    const lines = topTableLines(sampleTable(['flow'], [sampleRow({ flow }, 1)]), undefined);
    expect(lines[1]!.endsWith(`  ${text}`)).toBe(true);
  });
});

describe('rateText()', () => {
  it.each([
    [0, '0'],
    [0.04, '0.0'],
    [9.96, '10.0'],
    [9, '9'],
    [10.4, '10'],
    [123456.7, '123457'],
  ])('%d is %s', (rate, text) => {
    expect(rateText(rate)).toBe(text);
  });
});

describe('Screen', () => {
  /** What a terminal shows of what is written to it: enough of ECMA-48 for this. */
  function show(written: string): string[] {
    const lines: string[] = [''];
    let row = 0;
    for (const [part = ''] of written.matchAll(/\x1b\[\?7[lh]|\x1b\[\d*[AJ]|\r|\n|[^\x1b\r\n]+/g)) {
      const [, count = '', final = ''] = /^\x1b\[(\d*)([AJ])$/.exec(part) ?? [];
      if (final === 'A') row -= Number(count);
      else if (final === 'J') lines.splice(row, Infinity, '');
      else if (part === '\n') lines[++row] ??= '';
      else if (part !== '\r' && !part.startsWith('\x1b')) lines[row] = `${lines[row] ?? ''}${part}`;
    }
    return lines;
  }

  it('draws in the place of what it drew before, longer or shorter, below what was there', () => {
    const screen = new Screen();
    const first = `$ xcap top\n${screen.redraw(['a', 'b', 'c'])}`;
    expect(show(first)).toEqual(['$ xcap top', 'a', 'b', 'c', '']);
    const second = first + screen.redraw(['d']);
    expect(show(second)).toEqual(['$ xcap top', 'd', '']);
    // The terminal itself shows that Ctrl-C was pressed.
    const third = `${second}^C${screen.redraw(['e', 'f'])}`;
    expect(show(third)).toEqual(['$ xcap top', 'e', 'f', '']);
  });

  it('leaves line wrapping on', () => {
    const written = new Screen().redraw(['a']);
    expect(written.lastIndexOf('\x1b[?7h')).toBeGreaterThan(written.lastIndexOf('\x1b[?7l'));
  });
});
