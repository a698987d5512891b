import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createAddressNames } from '../../src/bpf/address-names.ts';
import { liveReader } from '../../src/kernel/reader.ts';
import { KernelSymbols } from '../../src/kernel/symbols.ts';

/** What the kernel has to have for it came with 5.13: its BTF says so. */
const able = readFileSync('/sys/kernel/btf/vmlinux').includes('\0bpf_snprintf\0');

describe('names of addresses', () => {
  it('come from the kernel where it can', () => {
    expect(createAddressNames() !== undefined).toBe(able);
  });

  it.runIf(able)('are those of kallsyms: any name that it has for the place', () => {
    const byKernel = new KernelSymbols(liveReader, undefined, createAddressNames);
    const lines = readFileSync('/proc/kallsyms', 'latin1').split('\n');
    let asked = 0;
    // Functions spread over all of the kernel and its modules, of which some have several names.
    for (let i = 0; i < lines.length; i += Math.ceil(lines.length / 500)) {
      const address = lines[i]?.split(' ')[0] ?? '';
      const here = lines
        .slice(Math.max(0, i - 20), i + 20)
        .filter((line) => line.startsWith(`${address} `))
        .map((line) => line.split(/[ \t]/).slice(1))
        .filter(([type = '']) => /^[tw]$/i.test(type))
        .map(([, name, module]) => `${name}+0x5${module === undefined ? '' : ` ${module}`}`);
      const text = byKernel.format(BigInt(`0x${address}`) + 5n);
      // Another one may begin within five bytes, and a mark of the linker is no function.
      if (here.length === 0 || !/\+0x5( |$)/.test(text)) continue;
      asked++;
      expect(here, address).toContain(text);
    }
    expect(asked).toBeGreaterThan(100);
  });

  it.runIf(able)('and nothing of kallsyms is read for it', () => {
    const paths: string[] = [];
    const reader = {
      ...liveReader,
      readFile: (path: string) => {
        paths.push(path);
        return liveReader.readFile(path);
      },
    };
    const symbols = new KernelSymbols(reader, undefined, createAddressNames);
    expect(symbols.namingNote()).toBeUndefined();
    expect(symbols.format(0x1000n)).toBe('0x1000');
    expect(paths).toEqual([]);
  });
});
