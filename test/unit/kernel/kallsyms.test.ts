import { describe, expect, test } from 'vitest';
import { Kallsyms } from '../../../src/kernel/kallsyms.ts';
import { recordedKernel, RECORDED_KERNELS } from '../../support/kernels.ts';

const parse = (...lines: string[]): Kallsyms =>
  new Kallsyms(new TextEncoder().encode(lines.map((line) => `${line}\n`).join('')));

const TABLE = [
  '0000000000000000 A fixed_percpu_data',
  'ffffffff81000000 T _stext',
  'ffffffff81000000 t first',
  'ffffffff81000100 T __memcpy',
  'ffffffff81000100 W memcpy',
  'ffffffff81000200 D data_here',
  'ffffffff81000300 t local_one',
  'ffffffff81000300 T global_one',
  'ffffffff81000400 T __entry_text_end',
  'ffffffff81000800 T _etext',
  'ffffffffc0200000 t nft_late\t[nf_tables]',
  'ffffffffc0100040 t veth_xmit\t[veth]',
  'ffffffffc0100000 t veth_open\t[veth]',
  'ffffffffc0300000 t bpf_prog_6deef7357e7b4530_x\t[bpf]',
];

describe('Kallsyms', () => {
  const table = parse(...TABLE);

  test.each([
    ['first', [[0xffffffff81000000n, 0xffffffff810000ffn]]],
    ['memcpy', [[0xffffffff81000100n, 0xffffffff810002ffn]]],
    ['__memcpy', [[0xffffffff81000100n, 0xffffffff810002ffn]]],
    ['veth_open', [[0xffffffffc0100000n, 0xffffffffc010003fn]]],
    ['nft_late', [[0xffffffffc0200000n, 0xffffffffc0210000n]]],
    ['firs', []],
    ['first_and_more', []],
    ['', []],
  ])('rangesOf(%j) is up to the next symbol', (name, ranges) => {
    expect(table.rangesOf(name)).toEqual(ranges.map(([from, to]) => ({ from, to })));
  });

  test.each([
    [0xffffffff81000010n, 'first', 0x10, undefined],
    [0xffffffff810000ffn, 'first', 0xff, undefined],
    [0xffffffff81000100n, 'memcpy', 0, undefined],
    [0xffffffff81000210n, 'memcpy', 0x110, undefined],
    [0xffffffff81000301n, 'global_one', 1, undefined],
    [0xffffffffc0100041n, 'veth_xmit', 1, 'veth'],
    [0xffffffffc010003fn, 'veth_open', 0x3f, 'veth'],
    [0xffffffffc0200000n, 'nft_late', 0, 'nf_tables'],
    [0xffffffffc0300008n, 'bpf_prog_6deef7357e7b4530_x', 8, 'bpf'],
  ])('0x%s is %s', (address, name, offset, module) => {
    expect(table.symbolize(address)).toEqual({ name, offset, module });
  });

  test.each([
    ['zero', 0n],
    ['before the text', 0xffffffff80ffffffn],
    ['a per-CPU offset', 0x100n],
    ['behind a section', 0xffffffff81000401n],
    ['behind _etext', 0xffffffff81000801n],
    ['far behind a module function', 0xffffffffc0110041n],
    ['user space', 0x7f0000001000n],
    ['the last address', 0xffffffffffffffffn],
  ])('%s has no name', (_, address) => {
    expect(table.symbolize(address)).toBeUndefined();
  });

  test('only text symbols count', () => {
    expect(table.count).toBe(12);
  });

  test('addresses that are all zero are hidden', () => {
    const hidden = parse('0000000000000000 T _stext', '0000000000000000 t veth_open\t[veth]');
    expect(hidden.hidden).toBe(true);
    expect(hidden.symbolize(0x10n)).toBeUndefined();
    expect(table.hidden).toBe(false);
  });

  test.each([
    ['nothing', ''],
    ['no line feed at the end', 'ffffffff81000000 T lonely'],
    [
      'lines of another form',
      'hello\n\n \nffffffff81000000\nffffffff81000000 T\nffffffff81000000 T lonely\nxyz',
    ],
    ['eight digits', '81000000 T lonely\n'],
  ])('%s is read', (what, text) => {
    const parsed = new Kallsyms(new TextEncoder().encode(text));
    const address = what === 'eight digits' ? 0x81000004n : 0xffffffff81000004n;
    const found = parsed.symbolize(address);
    expect(found).toEqual(
      what === 'nothing' ? undefined : { name: 'lonely', offset: 4, module: undefined },
    );
  });

  test('the caller may change its bytes afterwards', () => {
    const bytes = new TextEncoder().encode('ffffffff81000000 T kept\n');
    const parsed = new Kallsyms(bytes);
    bytes.fill(0);
    expect(parsed.symbolize(0xffffffff81000000n)?.name).toBe('kept');
  });
});

describe.each(RECORDED_KERNELS)('Kallsyms of %s', (name) => {
  const bytes = recordedKernel(name).readFile('/proc/kallsyms')!;
  const table = new Kallsyms(bytes);

  test('gives every text symbol its own name, or another of the same address', () => {
    const lines = new TextDecoder().decode(bytes).trimEnd().split('\n');
    const byAddress = new Map<string, string[]>();
    for (const line of lines) {
      const [, address, symbol] = /^(\w+) [tTwW] (\S+)/.exec(line) ?? [];
      if (address === undefined || symbol === undefined) continue;
      byAddress.set(address, [...(byAddress.get(address) ?? []), symbol]);
    }
    expect(byAddress.size).toBeGreaterThan(50);
    for (const [address, symbols] of byAddress) {
      const found = table.symbolize(BigInt(`0x${address}`));
      if (found === undefined)
        expect(symbols).toContainEqual(expect.stringMatching(/^_e(init)?text$|_text_end$/));
      else expect([symbols.includes(found.name), found.offset]).toEqual([true, 0]);
    }
  });
});
