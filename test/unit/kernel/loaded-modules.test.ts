import { describe, expect, it } from 'vitest';
import { loadedModules } from '../../../src/kernel/loaded-modules.ts';
import { MapReader } from '../../support/kernels.ts';

const listed = (text: string) => loadedModules(new MapReader({ files: { '/proc/modules': text } }));

describe('loadedModules()', () => {
  it('tells name, size and address of each, whoever uses it and however it is tainted', () => {
    const text =
      'nf_tables 380928 541 nft_compat,nft_fib, Live 0xffffffffc0a5e000\n' +
      'xcap_fixture 16384 0 - Live 0x0000000000000000 (OE)\n';
    expect(listed(text)).toEqual([
      { name: 'nf_tables', bytes: '380928', address: '0xffffffffc0a5e000' },
      { name: 'xcap_fixture', bytes: '16384', address: '0x0000000000000000' },
    ]);
  });

  it.each([
    ['no module is loaded', listed('')],
    ['the kernel takes none', loadedModules(new MapReader({}))],
  ])('is empty where %s', (_why, modules) => {
    expect(modules).toEqual([]);
  });
});
