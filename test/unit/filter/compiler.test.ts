import { expect, test } from 'vitest';
import { openLibpcap } from '../../../src/ffi/libpcap.ts';
import type { CompiledFilter } from '../../../src/filter/compiler.ts';
import { compileFilter } from '../../../src/filter/compiler.ts';
import { asm } from './support/asm.ts';
import { EXPRESSIONS } from './support/expressions.ts';

const pcap = openLibpcap();

function compile(expression: string): CompiledFilter {
  const result = pcap.compile(expression, { linkType: 1, snaplen: 262144, optimize: true });
  if ('error' in result) throw new Error(result.error);
  return compileFilter(result.program, { symbol: 'f' });
}

const fetches = ({ text }: CompiledFilter): number => text.split('XCAP_WINDOW(').length - 1;

test.each([
  ['icmp', 1],
  ['arp', 1],
  ['host 10.0.0.1', 1],
  ['ether host 02:00:00:00:00:01', 1],
  ['ip6 and tcp port 443', 1],
  ['icmp and host 10.9.0.2', 1],
  ['greater 1000', 0],
])('compileFilter() fetches what `%s` touches %i times', (expression, count) => {
  const filter = compile(expression);
  expect(fetches(filter)).toBe(count);
  expect(filter.readsBeyondWindow).toBe(false);
  expect(filter.text).not.toMatch(/xcap_(fetch|load)\d/);
});

test('compileFilter() never needs more than 264 bytes of stack, in multiples of 8', () => {
  for (const expression of EXPRESSIONS) {
    const { windowBytes } = compile(expression);
    expect(windowBytes).toBeLessThanOrEqual(264);
    expect(windowBytes % 8).toBe(0);
  }
});

test('compileFilter() knows how far a filter reaches', () => {
  expect(compile('icmp')).toMatchObject({ reachBytes: 24, windowBytes: 16 });
  expect(compile('tcp port 443')).toMatchObject({ reachBytes: 14 + 60 + 4 });
  expect(compile('ip[ip[2:2]] = 1')).toMatchObject({ reachBytes: 65550, readsBeyondWindow: true });
  expect(compile('udp[len - 50] = 4')).toMatchObject({ reachBytes: undefined });
  expect(compile('ether[300] = 1')).toMatchObject({ reachBytes: 301, windowBytes: 0 });
});

test('compileFilter() says when a filter is constant', () => {
  expect(compileFilter([asm.ret(0)], { symbol: 'f' }).constant).toBe('none');
  expect(compileFilter([asm.ldb(3), asm.ret(0)], { symbol: 'f' }).constant).toBe('none');
  expect(compileFilter([asm.ret(262144)], { symbol: 'f' }).constant).toBe('all');
  expect(compile('icmp').constant).toBeUndefined();
});

test('compileFilter() refuses a symbol that is no identifier', () => {
  expect(() => compileFilter([asm.ret(0)], { symbol: 'f; evil()' })).toThrow(TypeError);
});

test('compileFilter() gives plain data', () => {
  const filter = compile('tcp');
  expect(structuredClone(filter)).toEqual(filter);
});
