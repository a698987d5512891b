import type { RawProgram } from '../../../src/filter/cbpf.ts';

/** What libpcap's interpreter does otherwise than Linux does: its answer does not count then. */
export interface Trace {
  readonly returned: number;
  /** A shift by X of 32 or more: zero for libpcap, the count's low bits for Linux. */
  readonly wideShift: boolean;
  /** X + k beyond 32 bits: no packet byte for libpcap, the sum's low bits for Linux. */
  readonly wrappedIndex: boolean;
}

/**
 * A second interpreter of cBPF, written from the numbers of linux/filter.h and not from ours, as
 * Linux runs it; it tells what it met on its way.
 */
export function trace(program: RawProgram, packet: Uint8Array, wireLength: number): Trace {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  const memory = new Uint32Array(16);
  const registers = new Uint32Array(2); // A, X
  let wideShift = false;
  let wrappedIndex = false;
  const end = (returned: number): Trace => ({ returned, wideShift, wrappedIndex });
  const load = (code: number, at: number): number | undefined => {
    const size = [4, 2, 1][(code >> 3) & 3] ?? 0;
    if (at + size > packet.length) return undefined;
    return size === 4 ? view.getUint32(at) : size === 2 ? view.getUint16(at) : view.getUint8(at);
  };
  for (let pc = 0; ; pc += 1) {
    const { code, jt, jf, k } = program[pc]!;
    const a = registers[0]!;
    const x = registers[1]!;
    const operand = (code & 8) === 0 ? k : x;
    switch (code & 7) {
      case 0: {
        const mode = code >> 5;
        wrappedIndex ||= mode === 2 && x + k > 0xffff_ffff;
        const value = [
          () => k,
          () => load(code, k),
          () => load(code, (x + k) % 2 ** 32),
          () => memory[k],
          () => wireLength,
        ][mode]?.();
        if (value === undefined) return end(0);
        registers[0] = value;
        break;
      }
      case 1: {
        const mode = code >> 5;
        const nibble = mode === 5 ? load(0x10, k) : 0;
        if (nibble === undefined) return end(0);
        registers[1] =
          mode === 5 ? 4 * (nibble & 15) : mode === 0 ? k : mode === 3 ? memory[k]! : wireLength;
        break;
      }
      case 2:
        memory[k] = a;
        break;
      case 3:
        memory[k] = x;
        break;
      case 4: {
        const operation = code >> 4;
        if ((operation === 3 || operation === 9) && operand === 0) return end(0);
        wideShift ||= (operation === 6 || operation === 7) && operand > 31;
        const wide = BigInt(operand);
        const result = [
          BigInt(a) + wide,
          BigInt(a) - wide,
          BigInt(a) * wide,
          operand === 0 ? 0n : BigInt(a) / wide,
          BigInt(a) | wide,
          BigInt(a) & wide,
          BigInt(a) << (wide & 31n),
          BigInt(a) >> (wide & 31n),
          -BigInt(a),
          operand === 0 ? 0n : BigInt(a) % wide,
          BigInt(a) ^ wide,
        ][operation]!;
        registers[0] = Number(BigInt.asUintN(32, result));
        break;
      }
      case 5: {
        const test = code >> 4;
        if (test === 0)
          pc += k | 0; // libpcap jumps back in a chain of headers
        else {
          const holds = [false, a === operand, a > operand, a >= operand, (a & operand) !== 0][
            test
          ]!;
          pc += holds ? jt : jf;
        }
        break;
      }
      case 6:
        return end((code & 0x18) === 0x10 ? a : k);
      default:
        if ((code & 0xf8) === 0x80) registers[0] = x;
        else registers[1] = a;
    }
  }
}
