import { describe, expect, it, test } from 'vitest';
import { baseName, findFunctions } from '../../../src/kernel/find-functions.ts';
import { recordedKernel, RECORDED_KERNELS } from '../../support/kernels.ts';

const find = (text: string, ...names: string[]): Record<string, unknown> =>
  Object.fromEntries(findFunctions(new TextEncoder().encode(text), new Set(names)));

const TABLE = `\
0000000000000000 A fixed_percpu_data
ffffffff81000100 T first
ffffffff81000200 t twice
ffffffff81000300 t twice
ffffffff81000400 W weak
ffffffff81000500 D data
ffffffff81000600 t split.isra.0
ffffffff81000680 t split.constprop.0.cold
ffffffff81000700 t whole
ffffffff81000780 t whole.part.0
ffffffffc0200000 t twice\t[nf_tables]
ffffffffc0300000 t bpf_prog_6deef7357e7b4530_x\t[bpf]
`;

const builtIn = (address: bigint): object => ({ address, module: undefined });

describe('findFunctions()', () => {
  it('finds all functions of a name, in their order', () => {
    expect(find(TABLE, 'first', 'weak', 'twice')).toEqual({
      first: [builtIn(0xffffffff81000100n)],
      twice: [
        builtIn(0xffffffff81000200n),
        builtIn(0xffffffff81000300n),
        { address: 0xffffffffc0200000n, module: 'nf_tables' },
      ],
      weak: [builtIn(0xffffffff81000400n)],
    });
  });

  it('finds what a compiler made of one, by its own name', () => {
    expect(find(TABLE, 'split', 'whole')).toEqual({
      'split.isra.0': [builtIn(0xffffffff81000600n)],
      'split.constprop.0.cold': [builtIn(0xffffffff81000680n)],
      whole: [builtIn(0xffffffff81000700n)],
      'whole.part.0': [builtIn(0xffffffff81000780n)],
    });
  });

  it('finds one of these by its own name', () => {
    expect(Object.keys(find(TABLE, 'split.isra.0'))).toEqual(['split.isra.0']);
  });

  test.each(['data', 'firs', 'first_', 'irst', '', 'twice\t', 'nf_tables', 'split.isra'])(
    'nothing is found for %j',
    (name) => {
      expect(find(TABLE, name)).toEqual({});
    },
  );

  it('has no addresses where they are hidden', () => {
    expect(find('0000000000000000 T first\n0000000000000000 t f\t[m]\n', 'first', 'f')).toEqual({
      first: [{ address: undefined, module: undefined }],
      f: [{ address: undefined, module: 'm' }],
    });
  });

  test.each([
    ['no line feed at the end', 'ffffffff81000100 T lonely'],
    ['eight digits', '81000100 T lonely\n'],
    [
      'lines of another form',
      'hello\n\n \n  \nffffffff81000000\nffffffff81000000 T\nffffffff81000000 T \nffffffff81000100 T lonely\nxyz',
    ],
  ])('%s: the rest is read', (_, text) => {
    expect(Object.keys(find(text, 'lonely'))).toEqual(['lonely']);
  });

  it('finds nothing in nothing', () => {
    expect(find('', 'lonely')).toEqual({});
    expect(find('hello\n\n', '')).toEqual({});
  });
});

describe.each(RECORDED_KERNELS)('findFunctions() in %s', (name) => {
  const bytes = recordedKernel(name).readFile('/proc/kallsyms')!;
  const lines = new TextDecoder().decode(bytes).match(/^\w+ [tTwW] .*/gm) ?? [];

  it('finds every function by its name', () => {
    const names = lines.map((line) => baseName(line.split(/\s/)[2] ?? ''));
    const found = [...findFunctions(bytes, new Set(names))].flatMap(([symbol, all]) =>
      all.map(({ address, module }) => {
        const place = `${(address ?? 0n).toString(16).padStart(16, '0')} ${symbol}`;
        return module === undefined ? place : `${place}\t[${module}]`;
      }),
    );
    expect(lines.length).toBeGreaterThan(50);
    expect(found.toSorted()).toEqual(lines.map((line) => line.replace(/ [tTwW]/, '')).toSorted());
  });
});
