import { expect, test } from 'vitest';

import { hexdump } from '../../../src/output/hexdump.ts';

// That the layout is tcpdump's is shown in packet/tcpdump.test.ts; here it is pinned down without it.
const packet = Uint8Array.from([
  ...new Array<number>(14).fill(0xee),
  ...Buffer.from('Hello, W\r\norld\t!\r.\x1b\x7f\xff ~\n', 'latin1'),
]);

test('-x prints groups of two bytes and leaves the link header out', () => {
  expect(hexdump('x', packet, 14)).toBe(
    '\n\t0x0000:  4865 6c6c 6f2c 2057 0d0a 6f72 6c64 0921' + '\n\t0x0010:  0d2e 1b7f ff20 7e0a',
  );
});

test('-xx includes the link header', () => {
  expect(hexdump('xx', packet.subarray(0, 15), 14)).toBe(
    '\n\t0x0000:  eeee eeee eeee eeee eeee eeee eeee 48',
  );
});

test('-X aligns the text beside a line that is not full', () => {
  expect(hexdump('X', packet, 14)).toBe(
    '\n\t0x0000:  4865 6c6c 6f2c 2057 0d0a 6f72 6c64 0921  Hello,.W..orld.!' +
      '\n\t0x0010:  0d2e 1b7f ff20 7e0a                      ......~.',
  );
});

test('-A prints text as it is, and dots for what has no glyph', () => {
  expect(hexdump('A', packet, 14)).toBe('\nHello, W\norld\t!..... ~\n');
});

test('-AA includes the link header', () => {
  expect(hexdump('AA', packet.subarray(0, 16), 14)).toBe(`\n${'.'.repeat(14)}He`);
});

test.each(['x', 'X', 'A'] as const)(
  '-%s prints nothing when there is only a link header',
  (mode) => {
    expect(hexdump(mode, packet.subarray(0, 14), 14)).toBe('');
    expect(hexdump(mode, packet.subarray(0, 10), 14)).toBe('');
  },
);

test('offsets grow beyond four digits', () => {
  expect(hexdump('x', new Uint8Array(0x10001), 0)).toMatch(/\n\t0x10000: {2}00$/);
});
