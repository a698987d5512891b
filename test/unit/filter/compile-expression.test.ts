import { expect, test } from 'vitest';
import { FilterError } from '../../../src/errors.ts';
import { openLibpcap } from '../../../src/ffi/libpcap.ts';
import type { ExpressionCompiler } from '../../../src/filter/cbpf.ts';
import { compileExpression, compileProgram } from '../../../src/filter/compile-expression.ts';

const pcap = openLibpcap();

function errorOf(expression: string, compiler: ExpressionCompiler = pcap): FilterError {
  try {
    compileExpression(expression, compiler);
  } catch (error) {
    if (error instanceof FilterError) return error;
    throw error;
  }
  throw new Error(`no error for ${expression}`);
}

test('compileExpression() makes one filter for each kind of packet', () => {
  const pair = compileExpression('icmp', pcap)!;
  expect(pair.l2).toMatchObject({ symbol: 'xcap_filter_l2', reachBytes: 24 });
  expect(pair.l3).toMatchObject({ symbol: 'xcap_filter_l3', reachBytes: 10 });
  expect(pair.note).toBeUndefined();
});

test.each(['', '   ', '\t\n'])('compileExpression() makes no filter of %j', (expression) => {
  expect(compileExpression(expression, pcap)).toBeUndefined();
});

test('compileExpression() has no l3 where only a link header can match, and says why', () => {
  const pair = compileExpression('ether host 02:00:00:00:00:01', pcap)!;
  expect(pair.l3).toBeUndefined();
  expect(pair.note).toBe('it matches by their link header only');
});

test('compileExpression() lets the rest of an expression count where there is no link header', () => {
  const pair = compileExpression('ether host 02:00:00:00:00:01 or icmp', pcap)!;
  expect(pair.l3).toMatchObject({ reachBytes: 10, constant: undefined });
  expect(pair.note).toBeUndefined();
});

test('compileExpression() makes an l3 that matches nothing of what raw IP cannot carry', () => {
  const pair = compileExpression('arp', pcap)!;
  expect(pair.l2.constant).toBeUndefined();
  expect(pair.l3?.constant).toBe('none');
  expect(pair.note).toBeUndefined();
});

test('compileExpression() refuses what no packet can match', () => {
  const error = errorOf('tcp and udp');
  expect(error.message).toBe('compiling the filter: expression rejects all packets');
  expect(error.column).toBe(0);
});

test('compileExpression() gives message, expression, place and exit status', () => {
  const error = errorOf('tcp and and port 80');
  expect(error.message).toBe("compiling the filter: can't parse filter expression: syntax error");
  expect(error).toMatchObject({ expression: 'tcp and and port 80', column: 8, exitCode: 2 });
  expect(error.hint).toContain('pcap-filter');
});

test('compileExpression() refuses what asks for a Linux extension that no word stands for', () => {
  expect(errorOf('icmp and ether[-4056] = 1').message).toMatch(/xor_x: not supported/);
});

test('compileExpression() points at a NUL character', () => {
  expect(errorOf('tcp\0 and udp').column).toBe(3);
});

test('compileExpression() takes a filter that only raw IP can match', () => {
  const onlyRaw: ExpressionCompiler = {
    compile: (_text, { linkType }) =>
      linkType === 1
        ? { error: 'expression rejects all packets' }
        : { program: [{ code: 6, jt: 0, jf: 0, k: 1 }] },
  };
  const pair = compileExpression('x', onlyRaw)!;
  expect([pair.l2.constant, pair.l3?.constant]).toEqual(['none', 'all']);
});

test('compileExpression() never lets the text of an expression into C', () => {
  const { l2, l3 } = compileExpression('port http or ether proto \\arp or host 10.1.2.3', pcap)!;
  expect(l2.text + (l3?.text ?? '')).not.toMatch(/http|arp|10\.1/);
});

test('compileExpression() takes a very long expression', () => {
  const expression = Array.from({ length: 120 }, (_, i) => `host 10.1.${i >> 8}.${i & 255}`).join(
    ' or ',
  );
  expect(compileExpression(expression, pcap)?.l2.constant).toBeUndefined();
});

test('compileProgram() gives the program for -d, also of what cannot be translated yet', () => {
  expect(compileProgram('inbound', pcap, 1)).toHaveLength(4);
  expect(() => compileProgram('tcp and', pcap, 1)).toThrow(FilterError);
});
