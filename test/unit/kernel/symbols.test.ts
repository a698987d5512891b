import { describe, expect, test } from 'vitest';
import { KernelSymbols } from '../../../src/kernel/symbols.ts';
import { MapReader, recordedKernel } from '../../support/kernels.ts';

const KALLSYMS = '/proc/kallsyms';
const BUILT_IN = 'ffffffff81000000 T nf_hook_slow\nffffffff81002000 T _etext\n';
const VETH = 'ffffffffc0100000 t veth_xmit\t[veth]\n';
const NFT = 'ffffffffc0104000 t nft_do_chain\t[nf_tables]\n';
const module = (name: string, address: string, users = 0): string =>
  `${name} 45056 ${users} - Live 0x${address}\n`;

function kernelWith(kallsyms: string, modules = ''): MapReader {
  return new MapReader({ files: { [KALLSYMS]: kallsyms, '/proc/modules': modules } });
}
const reads = (reader: MapReader, path = KALLSYMS): number =>
  reader.reads.filter((each) => each === path).length;

describe('KernelSymbols', () => {
  test('format() writes function, offset and module', () => {
    const symbols = new KernelSymbols(
      kernelWith(BUILT_IN + VETH, module('veth', 'ffffffffc0100000')),
    );
    expect(symbols.format(0xffffffff810000a2n)).toBe('nf_hook_slow+0xa2');
    expect(symbols.format(0xffffffffc010040en)).toBe('veth_xmit+0x40e [veth]');
    expect(symbols.format(0xffffffff71000000n)).toBe('0xffffffff71000000');
  });

  test('kallsyms is read when the first address is asked for, and once', () => {
    const reader = kernelWith(BUILT_IN);
    const symbols = new KernelSymbols(reader);
    expect(reads(reader)).toBe(0);
    symbols.format(0xffffffff81000001n);
    symbols.format(0xffffffff81000002n);
    expect(reads(reader)).toBe(1);
  });

  test('a module that came later is found, though its address seems to lie in another', () => {
    const reader = kernelWith(BUILT_IN + VETH, module('veth', 'ffffffffc0100000'));
    const symbols = new KernelSymbols(reader);
    symbols.format(0xffffffff81000001n);
    reader.files.set(KALLSYMS, BUILT_IN + VETH + NFT);
    reader.files.set(
      '/proc/modules',
      module('nf_tables', 'ffffffffc0104000') + module('veth', 'ffffffffc0100000'),
    );
    expect(symbols.format(0xffffffffc0104010n)).toBe('nft_do_chain+0x10 [nf_tables]');
  });

  test('a changed use count of a module is no reason to read again', () => {
    const reader = kernelWith(BUILT_IN + VETH, module('veth', 'ffffffffc0100000'));
    const symbols = new KernelSymbols(reader);
    symbols.format(0xffffffff81000001n);
    reader.files.set('/proc/modules', module('veth', 'ffffffffc0100000', 7));
    symbols.format(0xffffffffc0100010n);
    expect(reads(reader)).toBe(1);
  });

  test('an address of no name causes a new reading, at most every ten seconds', () => {
    let now = 0;
    const reader = kernelWith(BUILT_IN);
    const symbols = new KernelSymbols(reader, () => now);
    const address = 0xffffffffc0500010n;
    expect(symbols.format(address)).toBe('0xffffffffc0500010');
    reader.files.set(KALLSYMS, `${BUILT_IN}ffffffffc0500000 t bpf_prog_ab_x\t[bpf]\n`);
    now = 9_999;
    expect(symbols.format(address)).toBe('0xffffffffc0500010');
    expect(reads(reader)).toBe(1);
    now = 10_000;
    expect(symbols.format(address)).toBe('bpf_prog_ab_x+0x10 [bpf]');
    expect(reads(reader)).toBe(2);
  });

  test.each([
    ['2\n', /kptr_restrict is 2/, 'sysctl -w kernel.kptr_restrict=1'],
    ['1\n', /CAP_SYSLOG is missing/, 'run as root, or with CAP_SYSLOG'],
    ['0\n', /CAP_SYSLOG is missing/, 'run as root, or with CAP_SYSLOG'],
  ])(
    'hidden addresses under kptr_restrict %j have a note with the remedy',
    (restrict, message, hint) => {
      const reader = kernelWith('0000000000000000 T nf_hook_slow\n');
      reader.files.set('/proc/sys/kernel/kptr_restrict', restrict);
      const symbols = new KernelSymbols(reader);
      expect(symbols.hidden).toBe(true);
      expect(symbols.note()?.message).toMatch(message);
      expect(symbols.note()?.hint).toBe(hint);
      expect(symbols.format(0xffffffff81000010n)).toBe('0xffffffff81000010');
    },
  );

  test('a kernel without kallsyms has a note too', () => {
    const symbols = new KernelSymbols(new MapReader({}));
    expect(symbols.note()?.message).toMatch(/no \/proc\/kallsyms/);
    expect(symbols.symbolize(0xffffffff81000010n)).toBeUndefined();
  });

  test('there is no note when addresses are shown', () => {
    expect(new KernelSymbols(recordedKernel('6.1')).note()).toBeUndefined();
  });

  test('what the kernel names itself is asked for once a second, and kallsyms is not read', () => {
    let now = 0;
    const reader = kernelWith(BUILT_IN);
    const asked: bigint[] = [];
    const symbols = new KernelSymbols(
      reader,
      () => now,
      () => (address) => {
        asked.push(address);
        if (address === 0x5n) return '0x5';
        return address === 0x7n ? '_etext+0x4/0x10' : 'nft_do_chain+0x3e8/0x780 [nf_tables]';
      },
    );
    expect(symbols.namingNote()).toBeUndefined();
    expect(symbols.format(0xffffffffc0104010n)).toBe('nft_do_chain+0x3e8 [nf_tables]');
    expect(symbols.format(0xffffffffc0104010n)).toBe('nft_do_chain+0x3e8 [nf_tables]');
    expect(asked).toHaveLength(1);
    now = 1000;
    symbols.format(0xffffffffc0104010n);
    expect(asked).toHaveLength(2);
    expect(symbols.formatReturn(0xffffffffc0104010n)).toBe('nft_do_chain+0x3e9 [nf_tables]');
    expect(asked.at(-1)).toBe(0xffffffffc010400fn);
    expect([symbols.format(0x5n), symbols.format(0x7n)]).toEqual(['0x5', '0x7']);
    expect(reads(reader)).toBe(0);
  });
});
