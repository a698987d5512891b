import { describe, expect, test } from 'vitest';
import { openLibpcap } from '../../../../src/ffi/libpcap.ts';
import { compileFilter } from '../../../../src/filter/compiler.ts';
import { decode } from '../../../../src/filter/decode.ts';
import { interpret } from '../../../../src/filter/interpret.ts';
import { successors } from '../../../../src/filter/ir.ts';
import { LOOP_BOUND } from '../../../../src/filter/passes/unroll.ts';
import { asm, irOf } from '../support/asm.ts';
import { buildNative, findCompiler } from '../support/native-c.ts';
import { CHAINS } from '../support/packets.ts';

const back = (by: number) => asm.ja(2 ** 32 - by);

test('unrollLoops() leaves jumps forward only', () => {
  const { blocks } = irOf(asm.ldb(0), asm.jeq(1, 1, 0), back(3), asm.ret(1));
  const places = new Map(blocks.map(({ id }, i) => [id, i]));
  expect(places.size).toBe(blocks.length);
  blocks.forEach((block, i) => {
    for (const id of successors(block)) expect(places.get(id)).toBeGreaterThan(i);
  });
  expect(blocks.length).toBeGreaterThan(LOOP_BOUND);
});

test('unrollLoops() leaves a program without loops alone', () => {
  const { blocks } = irOf(asm.ldb(0), asm.jeq(1, 1, 0), asm.ja(0), asm.ret(1));
  expect(blocks.map(({ id }) => id)).toEqual([0, 2, 3]);
});

describe.skipIf(findCompiler() === undefined)('a loop in C', () => {
  const compiler = findCompiler() ?? '';

  test('follows LOOP_BOUND headers of a chain, and rejects a longer one', async () => {
    const result = openLibpcap().compile('ip6 protochain 17', {
      linkType: 1,
      snaplen: 262144,
      optimize: true,
    });
    if ('error' in result) throw new Error(result.error);
    const filter = compileFilter(result.program, { symbol: 'f' });
    expect(filter.loops).toBe(true);
    const run = await buildNative(compiler, [filter], 'variable stack reads');
    for (const [headers, { bytes }] of CHAINS) {
      expect(interpret(decode(result.program), bytes, bytes.length)).toBe(262144);
      const expected = headers <= LOOP_BOUND ? 262144 : 0;
      expect(run(0, bytes, { wireLength: bytes.length }), `${headers} headers`).toBe(expected);
    }
  });

  test('may be entered in its middle, and nested', async () => {
    // Counts M[0] up to packet[0], by two jumps back to different places; entered behind its head.
    const program = [
      ...[asm.ldImm(0), asm.st(0), asm.ja(2)],
      ...[asm.ldImm(1), asm.addX(), asm.st(0)],
      ...[asm.ldMem(0), asm.tax(), asm.ldb(0), asm.jeqX(3, 0), asm.jeq(7, 1, 0), back(9), back(9)],
      ...[asm.ldMem(0), { code: 0x04, jt: 0, jf: 0, k: 100 }, asm.retA()],
    ];
    const filter = compileFilter(program, { symbol: 'f' });
    const run = await buildNative(compiler, [filter], 'variable stack reads');
    for (let n = 0; n <= LOOP_BOUND; n++) {
      const bytes = Uint8Array.of(n);
      const expected = interpret(decode(program), bytes, 1);
      expect(expected).toBe(100 + n);
      expect(run(0, bytes, { wireLength: 1 }), `${n}`).toBe(expected);
    }
    expect(run(0, Uint8Array.of(LOOP_BOUND + 1), { wireLength: 1 })).toBe(0);
  });
});
