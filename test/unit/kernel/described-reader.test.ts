import { describe, expect, it } from 'vitest';
import { describedReader } from '../../../src/kernel/described-reader.ts';
import { variableAddress } from '../../../src/kernel/data-symbol.ts';
import { KernelSymbols } from '../../../src/kernel/symbols.ts';
import { openKernelView } from '../../../src/kernel/view.ts';
import { makeKernel } from '../../support/function-kernel.ts';

const made = makeKernel({ functions: [{ name: 'ip_rcv', params: ['skb'] }] });
const btf = made.reader.readFile('/sys/kernel/btf/vmlinux') ?? new Uint8Array();
const reader = describedReader('6.12.1-x', btf);

describe('a kernel of which release and types are known', () => {
  it('has both', () => {
    const view = openKernelView({ reader, arch: 'x64', createProber: () => () => 'no' });
    expect(view.release).toBe('6.12.1-x');
    expect(view.btf.findType('func', 'ip_rcv')).toBeDefined();
    expect(view.loadedModules()).toEqual([]);
    expect(view.traceable.allows('ip_rcv')).toBe(true);
  });

  it('has the functions that its types have, once each, at addresses of some kind', () => {
    const found = new KernelSymbols(reader).find(new Set(['ip_rcv'])).get('ip_rcv');
    expect(found).toHaveLength(1);
    expect(found?.[0]?.address).toBeGreaterThan(1n << 63n);
  });

  it('has the variables that programs ask for', () => {
    const kallsyms = reader.readFile('/proc/kallsyms') ?? new Uint8Array();
    expect(variableAddress(kallsyms, 'page_offset_base')).toBeDefined();
    expect(variableAddress(kallsyms, 'vmemmap_base')).toBeDefined();
  });

  it('shows nothing of this host', () => {
    expect(reader.readFile('/proc/modules')).toBeUndefined();
    expect(reader.readDir('/sys/class/net')).toBeUndefined();
    expect(reader.stat('/proc/self/ns/net')).toBeUndefined();
  });
});
