import { describe, expect, it } from 'vitest';
import { resolveLocation } from '../../../src/capture/resolve-location.ts';
import { KernelSymbols } from '../../../src/kernel/symbols.ts';
import { MapReader } from '../../support/kernels.ts';

const symbolsOf = (kallsyms: string): KernelSymbols =>
  new KernelSymbols(new MapReader({ files: { '/proc/kallsyms': kallsyms } }));

describe('resolveLocation()', () => {
  const symbols = symbolsOf(
    'ffffffff81000000 T nf_hook_slow\nffffffff81002000 T _etext\nffffffffc0100000 t veth_xmit\t[veth]\n',
  );

  it('takes a function, or a place in one as the outputs write it', () => {
    expect(resolveLocation(symbols, 'nf_hook_slow')).toEqual([
      { from: 0xffffffff81000000n, to: 0xffffffff81001fffn },
    ]);
    const place = { from: 0xffffffff810000a2n, to: 0xffffffff810000a2n };
    expect(resolveLocation(symbols, 'nf_hook_slow+0xa2')).toEqual([place]);
    const inModule = { from: 0xffffffffc0100010n, to: 0xffffffffc0100010n };
    expect(resolveLocation(symbols, 'veth_xmit+0x10 [veth]')).toEqual([inModule]);
  });

  it.each(['nf_hook_slo', 'nf_hook_slow+10', '', '+0x10'])('refuses %j', (text) => {
    expect(() => resolveLocation(symbols, text)).toThrow(/: no such function$/);
  });

  it('says when names are hidden', () => {
    const hidden = symbolsOf('0000000000000000 T nf_hook_slow\n');
    expect(() => resolveLocation(hidden, 'nf_hook_slow')).toThrow(/cannot be named/);
  });
});
