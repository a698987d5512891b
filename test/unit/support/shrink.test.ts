import { expect, test } from 'vitest';
import { compileFilter } from '../../../src/filter/compiler.ts';
import { randomPacket, randomProgram } from '../../support/judges/random.ts';
import { type Case, shrink } from '../../support/judges/shrink.ts';
import { trace } from '../../support/judges/trace.ts';
import { randomFrom } from '../filter/support/random-program.ts';

const isValid = (program: Case['program']): boolean => {
  try {
    compileFilter(program, { symbol: 'f' });
    return true;
  } catch {
    return false;
  }
};

test('shrink() reduces a random program and packet to the instruction and byte that matter', async () => {
  // Stands for a judge that is wrong about a division of what it loaded from byte 7.
  const fails = ({ program, packet, wireLength }: Case): boolean =>
    isValid(program) &&
    program.some(({ code }) => code === 0x34) &&
    packet.length > 7 &&
    trace(program, packet, wireLength).returned >= 0;
  const random = randomFrom(3);
  let start: Case;
  do {
    const { bytes, wireLength } = randomPacket(random);
    start = { program: randomProgram(random), packet: bytes, wireLength };
  } while (!fails(start));
  const small = await shrink(start, (candidates) => {
    const found = candidates.findIndex(fails);
    return Promise.resolve(found < 0 ? undefined : found);
  });
  expect(fails(small)).toBe(true);
  expect(small.program).toHaveLength(2);
  expect(small.program.map(({ code }) => code & 0xf7)).toEqual([0x34, expect.anything()]);
  expect(small.packet).toEqual(new Uint8Array(8));
});

test('shrink() corrects the jumps over what it leaves out', async () => {
  const insn = (code: number, k = 0, jt = 0, jf = 0) => ({ code, jt, jf, k });
  // if (A == 0) skip three; ret 1; nops; ret 7
  const program = [
    insn(0x15, 0, 4, 0),
    insn(0x87),
    insn(0x07),
    insn(0x87),
    insn(0x06, 1),
    insn(0x06, 7),
  ];
  const returns = (each: Case): number => trace(each.program, each.packet, 0).returned;
  const start = { program, packet: new Uint8Array(), wireLength: 0 };
  expect(returns(start)).toBe(7);
  const small = await shrink(start, (candidates) => {
    const found = candidates.findIndex(
      (each) => isValid(each.program) && each.program.length > 2 && returns(each) === 7,
    );
    return Promise.resolve(found < 0 ? undefined : found);
  });
  expect(small.program).toHaveLength(3);
  expect(returns(small)).toBe(7);
});
