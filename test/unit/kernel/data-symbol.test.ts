import { describe, expect, it } from 'vitest';
import { variableAddresses } from '../../../src/kernel/data-symbol.ts';
import { Kept } from '../../support/kept.ts';
import { MapReader } from '../../support/kernels.ts';

const KALLSYMS =
  'ffffffff81000000 T _text\nffffffff83a00010 D page_offset_base\nffffffff83a00008 D vmemmap_base\n';
const HIDDEN = KALLSYMS.replaceAll(/^[0-9a-f]+/gm, '0000000000000000');
const NAMES = ['vmemmap_base', 'page_offset_base'];

const kernel = (kallsyms: string): MapReader =>
  new MapReader({ files: { '/proc/kallsyms': kallsyms } });

describe('variableAddresses()', () => {
  it('gives them in the order that they are asked for in, and reads nothing when it knows them', () => {
    const memory = new Kept();
    const addresses = [0xffffffff83a00008n, 0xffffffff83a00010n];
    expect(variableAddresses(kernel(KALLSYMS), NAMES, memory)).toEqual(addresses);
    const reader = kernel('');
    expect(variableAddresses(reader, NAMES, memory)).toEqual(addresses);
    expect(reader.reads).toEqual([]);
    expect(variableAddresses(reader, ['vmemmap_base'], memory)).toEqual([]);
    expect(reader.reads).toEqual(['/proc/kallsyms']);
  });

  it('gives none, and keeps nothing, unless all are there', () => {
    const memory = new Kept();
    expect(variableAddresses(kernel(KALLSYMS), [...NAMES, 'other'], memory)).toEqual([]);
    expect(variableAddresses(kernel(HIDDEN), NAMES, memory)).toEqual([]);
    expect(variableAddresses(new MapReader({}), NAMES, memory)).toEqual([]);
    expect(memory.size).toBe(0);
  });
});
