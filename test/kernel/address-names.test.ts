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
    const functions = [
      ...readFileSync('/proc/kallsyms', 'latin1').matchAll(/^(\w+) [tT] (\S+)(?:\t\[(\w+)\])?$/gm),
    ];
    const names = new Map<bigint, Set<string>>();
    for (const [, address, name = '', module] of functions) {
      const at = BigInt(`0x${address}`);
      const here = names.get(at) ?? new Set();
      names.set(at, here.add(module === undefined ? name : `${name} [${module}]`));
    }
    const addresses = [...names.keys()].sort((a, b) => (a < b ? -1 : 1));
    // Half of the functions that have room for it, spread over all of the kernel and its modules.
    let asked = 0;
    for (let i = 0; i + 1 < addresses.length; i += 97) {
      const start = addresses[i]!;
      const size = addresses[i + 1]! - start;
      if (size < 16n || size > 4096n) continue;
      const text = byKernel.format(start + 5n);
      // A mark of the linker is no function.
      if (!text.includes('+0x5')) continue;
      asked++;
      expect(names.get(start), `${start.toString(16)} is ${text}`).toContain(
        text.replace('+0x5', ''),
      );
    }
    expect(asked).toBeGreaterThan(addresses.length / 200);
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
