import { describe, expect, it } from 'vitest';
import { compose, numberLines } from '../../../src/codegen/compose.ts';

const files: Record<string, string> = {
  'a.bpf.c': '#include "x.h"\nint a;\n#include <linux/types.h>',
  'b.bpf.c': '#include "x.h"\nint b;',
  'include/x.h': '#include "gen.gen.h"\nint x;',
};
const text = compose({
  entries: ['a.bpf.c', 'b.bpf.c'],
  generated: { 'gen.gen.h': 'int g;' },
  readTemplate: (path) => {
    const file = files[path];
    if (file === undefined) throw new Error(`no ${path}`);
    return file;
  },
});

describe('compose()', () => {
  it('puts each header in once, before what includes it, and leaves system includes', () => {
    const code = text.split('\n').filter((line) => line !== '' && !line.startsWith('#line'));
    expect(code).toEqual(['int g;', 'int x;', 'int a;', '#include <linux/types.h>', 'int b;']);
  });

  it('marks where each line comes from', () => {
    const lines = text.split('\n');
    const before = lines.slice(0, lines.indexOf('int a;'));
    expect(before.filter((line) => line.startsWith('#line')).at(-1)).toBe('#line 2 "a.bpf.c"');
  });

  it('fails on a header that nobody has', () => {
    expect(() =>
      compose({
        entries: ['a'],
        generated: {},
        readTemplate: (path) => {
          if (path === 'a') return '#include "none.h"';
          throw new Error(`no ${path}`);
        },
      }),
    ).toThrow('no include/none.h');
  });
});

describe('numberLines()', () => {
  it('numbers each line as the compiler does, under the name of its file', () => {
    expect(numberLines(text)).toBe(
      [
        '',
        'a.bpf.c:',
        '',
        'include/x.h:',
        '',
        'gen.gen.h:',
        '    1  int g;',
        '',
        'include/x.h:',
        '    2  int x;',
        '',
        'a.bpf.c:',
        '    2  int a;',
        '    3  #include <linux/types.h>',
        '',
        'b.bpf.c:',
        '    1',
        '    2  int b;',
        '',
      ].join('\n'),
    );
  });
});
