import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FilterError, UsageError } from '../../../src/errors.ts';
import { formatNumber, parseFormat } from '../../../src/user-c/format.ts';
import { userLayout } from '../../../src/user-c/layout.ts';
import { userWants, type UserSource } from '../../../src/user-c/source.ts';
import { NO_USER_C, parseUserC, userCompileError } from '../../../src/user-c/user-c.ts';
import { userValues } from '../../../src/user-c/values.ts';

const action = (text: string): UserSource => ({ option: '--action-c', path: 'a.c', text });
const filter = (text: string): UserSource => ({ option: '--filter-c', path: 'f.c', text });
const struct = (fields: string): UserSource =>
  action(`struct xcap_user_extend {\n${fields}\n};\nint xcap_ext_action(void) { return 0; }`);

function thrown(make: () => unknown): unknown {
  try {
    make();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('struct xcap_user_extend', () => {
  const mixed = [
    'u8 a;',
    'u32 b; // format: 0x%x',
    'char c[5];',
    'u16 d;',
    '',
    '// in between',
    'int8 e; /* why */',
    's64 f;',
    'unsigned int g;',
    'uint16_t h;',
    'char i;',
  ];

  it('is laid out as the compiler does it', () => {
    const layout = userLayout(struct(mixed.join('\n')))!;
    const folder = mkdtempSync(join(tmpdir(), 'xcap-layout-'));
    try {
      const text = `#include <stdint.h>
#include <stddef.h>
#include <stdio.h>
typedef uint8_t u8; typedef uint16_t u16; typedef uint32_t u32; typedef int64_t s64; typedef int8_t int8;
struct s { ${mixed.filter((line) => !line.startsWith('//')).join('\n')} };
int main(void) { printf("${'%zu '.repeat(layout.fields.length)}%zu", ${layout.fields
        .map(({ name }) => `offsetof(struct s, ${name})`)
        .join(', ')}, sizeof(struct s)); }
`;
      writeFileSync(join(folder, 'l.c'), text);
      execFileSync('gcc', ['-o', join(folder, 'l'), join(folder, 'l.c')]);
      const out = execFileSync(join(folder, 'l'), { encoding: 'utf8' });
      expect([...layout.fields.map(({ offset }) => offset), layout.bytes].join(' ')).toBe(out);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('gives values of every kind', () => {
    const layout = userLayout(
      struct('s8 a;\nu16 b; // format: 0x%04x\nchar c[6];\ns64 d;\nu64 e;'),
    )!;
    const bytes = new Uint8Array(layout.bytes);
    const view = new DataView(bytes.buffer);
    const at = Object.fromEntries(layout.fields.map(({ name, offset }) => [name, offset]));
    view.setInt8(at['a']!, -5);
    view.setUint16(at['b']!, 0x2a, true);
    bytes.set([0x68, 0x69, 0, 0x78], at['c']);
    view.setBigInt64(at['d']!, -(2n ** 60n), true);
    view.setBigUint64(at['e']!, 2n ** 64n - 1n, true);
    expect(userValues(layout, bytes)).toEqual([
      { name: 'a', value: -5, text: '-5' },
      { name: 'b', value: 42, text: '0x002a' },
      { name: 'c', value: 'hi', text: 'hi' },
      { name: 'd', value: -(2n ** 60n), text: '-1152921504606846976' },
      { name: 'e', value: 2n ** 64n - 1n, text: '18446744073709551615' },
    ]);
  });

  it.each([
    ['float a;', 'no field that can be shown', 2],
    ['u8 a; u8 b;', 'no field that can be shown', 2],
    ['struct x *a;', 'no field that can be shown', 2],
    ['u32 a[4];', 'only characters make an array', 2],
    ['u32 a; // format: %s', 'not understood', 2],
    ['char a[4]; // format: %d', 'not understood', 2],
    ['u32 a; // format: %d %d', 'not understood', 2],
    ['u8 a;\nchar b[256];', 'more than 256 bytes', 3],
  ])('%s is refused at its line', (text, why, line) => {
    const error = thrown(() => userLayout(struct(text)));
    expect(error).toBeInstanceOf(FilterError);
    expect((error as FilterError).message).toContain(`a.c:${line}:1: `);
    expect((error as FilterError).message).toContain(why);
    expect((error as FilterError).exitCode).toBe(2);
  });

  it('that does not end is refused', () => {
    const error = thrown(() => userLayout(action('struct xcap_user_extend {\nu8 a;')));
    expect((error as FilterError).message).toContain('does not end');
  });
});

describe('a format', () => {
  const cases: readonly (readonly [format: string, value: number])[] = [
    ...['%d', '%5d', '%05d', '%u', '%x', '%#x', '%#06x', '%X', '%#X', '%o', '%#o', '<%x>'].flatMap(
      (format) => [0, 1, 42, 65535, -3].map((value) => [format, value] as const),
    ),
    ['%c', 65],
    ['%ld', 7],
    ['%llx', 255],
  ];
  it.each(cases)('%j of %d is as printf(1) writes it', (format, value) => {
    const parsed = parseFormat(format, false)!;
    const expected = execFileSync(
      'printf',
      // The shell's numbers have 64 bits.
      [format.replaceAll(/[lh]/g, ''), parsed.conversion === 'c' ? 'A' : String(value)],
      { encoding: 'utf8' },
    );
    expect(formatNumber(BigInt(value), 8, parsed)).toBe(expected);
  });

  it('writes negative numbers in hexadecimal with the bits that they have', () => {
    expect(formatNumber(-1n, 2, parseFormat('%x', false)!)).toBe('ffff');
  });
});

describe('a file of user C', () => {
  it('names what it wants of the kernel', () => {
    const wants = userWants(
      filter('// kernel: sk_buff.mark, sk_buff.dev\n  // kernel: net.ns.inum\nint x;'),
    );
    expect(wants).toEqual({ sk_buff: ['mark', 'dev'], net: ['ns.inum'] });
  });

  it.each([
    ['// kernel: mark', 'mark: no struct.member'],
    ['// kernel: sk_buff.mark; x', 'sk_buff.mark;: no struct.member'],
    ['  #include <linux/ip.h>', 'there is nothing to include'],
  ])('%s is refused with the place', (text, why) => {
    const error = thrown(() => userWants(filter(`\n${text}`)));
    expect(error).toBeInstanceOf(FilterError);
    expect((error as FilterError).message).toMatch(/f\.c:2:\d+: /);
    expect((error as FilterError).message).toContain(why);
  });

  it('has to define the function that is called, and an action its fields', () => {
    const none = thrown(() => parseUserC(filter('int other(void);'), undefined));
    expect(none).toBeInstanceOf(UsageError);
    expect((none as UsageError).message).toBe(
      'reading --filter-c: f.c: defines no xcap_ext_filter()',
    );
    const fields = thrown(() => parseUserC(undefined, action('int xcap_ext_action(void);')));
    expect((fields as UsageError).message).toContain('defines no struct xcap_user_extend');
  });

  it('gets the compiler’s complaint at its own line', () => {
    const source = filter(
      'static inline int xcap_ext_filter(void *ext, void *pkt, u16 i)\n{\n\treturn foo;\n}\n',
    );
    const user = parseUserC(source, undefined);
    const said =
      "/virtual/main.c:1:2: warning: x\nfilter-c.user.h:3:9: error: use of undeclared identifier 'foo'\n1 error generated.";
    const error = userCompileError(user, said) as FilterError;
    expect(error.message).toBe("compiling --filter-c: f.c:3:9: use of undeclared identifier 'foo'");
    expect(error.expression).toBe(' return foo;');
    expect(error.column).toBe(8);
    const behind = userCompileError(user, 'x\ninclude/capture.h:3:9: error: x') as FilterError;
    expect(behind.message).toContain(
      'f.c:4:1: the compiler gave up behind it: include/capture.h:3:9',
    );
    expect(userCompileError(NO_USER_C, 'include/capture.h:3:9: error: x')).toBeUndefined();
  });

  it('that is no text is refused', () => {
    const error = thrown(() => parseUserC(filter('int xcap_ext_filter(void);\0'), undefined));
    expect((error as UsageError).message).toContain('holds a zero byte');
  });
});
