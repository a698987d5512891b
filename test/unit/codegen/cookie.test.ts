import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import koffi from 'koffi';
import { describe, expect, it } from 'vitest';
import { cookieOf, emitWords } from '../../../src/codegen/cookie.ts';
import { emitHookFunctions } from '../../../src/codegen/hooks.ts';
import { countsAlone } from '../../../src/codegen/unit-kind.ts';
import type { Carrier, HookArguments, ResolvedHook } from '../../../src/hooks/resolved.ts';

const REGS = {
  argumentOffsets: [112, 104, 96],
  returnOffset: 80,
  stackOffset: 152,
  poppedByReturn: 8,
};

function hookAt(
  id: string,
  carrier: Partial<Carrier>,
  more: Partial<HookArguments> = {},
): ResolvedHook {
  return {
    ...{ id, pattern: 'x*', subject: undefined, backend: 'kprobe-multi', target: id, place: id },
    ...{ module: undefined, attachBtfId: 0, cookie: true, addresses: [1n], direction: undefined },
    ...{ hasLocation: false, atData: false, destructor: undefined, returns: undefined },
    arguments: {
      carrier: {
        ...{
          kind: 'skb',
          slot: 0,
          typed: true,
          number: 1,
          name: 'skb',
          offset: 0,
          struct: 'sk_buff',
        },
        ...carrier,
      },
      certain: false,
      ...more,
    },
  };
}

const emit = (hooks: readonly ResolvedHook[], share = true) =>
  emitHookFunctions(
    hooks,
    'kprobe-multi',
    'f',
    REGS,
    () => {
      throw new Error('no value is asked for');
    },
    { share },
  );

const [first, second, third] = [0, 1, 2].map((slot) => hookAt(`skb_${slot}`, { slot })) as [
  ResolvedHook,
  ResolvedHook,
  ResolvedHook,
];

describe('functions of different arguments', () => {
  it('have programs of their own while these are few', () => {
    const { nameOf, text } = emit([first, second]);
    expect(nameOf).toEqual(['f0', 'f1']);
    expect(text).toContain('hit.skb = XCAP_GIVEN(hit.given);');
    expect(text).not.toContain('xcap_word');
  });

  it('share one that the cookie tells, but for sockets and packets that may lack headers', () => {
    const socks = [0, 1, 2].map((slot) => hookAt(`sock_${slot}`, { kind: 'sock', slot }));
    const bare = hookAt('bare', { slot: 0 }, { bare: true });
    const { nameOf, text } = emit([first, ...socks, second, bare, third]);
    expect(nameOf).toEqual(['f0', 'f1', 'f1', 'f1', 'f0', 'f2', 'f0']);
    expect(text.match(/u64 cookie = /g)).toHaveLength(2);
    expect(text).toContain('hit.socket = 1;');
  });

  it('share none where they are not to', () => {
    expect(emit([first, second, third], false).nameOf).toEqual(['f0', 'f1', 'f2']);
  });

  it('share none with one that is given a reason, or that waits for its return', () => {
    const reason = hookAt('reason', {}, { reason: 1 });
    const entry: ResolvedHook = { ...hookAt('entry', {}), part: 'entry', backend: 'kprobe-multi' };
    const { nameOf } = emit([first, second, third, reason, entry]);
    expect(nameOf).toEqual(['f0', 'f0', 'f0', 'f1', 'f2']);
  });
});

describe('the cookie', () => {
  it('has the number, and above it how the function is given the packet', () => {
    expect(cookieOf(first, 7)).toBe(0xf000000007n);
    expect(cookieOf(hookAt('x', { slot: 2 }, { rxSk: 1 }), 0xffffffff)).toBe(0x12ffffffffn);
    const member = hookAt('m', { kind: 'skb-member', slot: 1, offset: 0x1234 });
    expect(cookieOf({ ...member, direction: 'outbound', followsOnly: true }, 1)).toBe(
      0x1234_0af1_0000_0001n,
    );
    expect(cookieOf(hookAt('s', { kind: 'sock' }, { message: 1, rxSk: 0 }), 0)).toBe(
      0x10_0000_0000n,
    );
  });

  it('chooses the register', () => {
    const folder = mkdtempSync(join(tmpdir(), 'xcap-cookie-'));
    try {
      const library = join(folder, 'words.so');
      const text = `typedef unsigned long long u64;
        #define __always_inline inline __attribute__((__always_inline__))
        #define XCAP_HIDE(value) __asm__ volatile("" : "+r"(value))
        ${emitWords(REGS)}
        u64 word(const u64 *ctx, u64 number) { return xcap_word(ctx, number); }`;
      execFileSync('gcc', ['-x', 'c', '-shared', '-fPIC', '-O1', '-o', library, '-'], {
        input: text,
      });
      const word = koffi.load(library).func('uint64_t word(const uint64_t *ctx, uint64_t number)');
      const registers = BigUint64Array.from({ length: 20 }, (_, i) => BigInt(i));
      const taken = [0, 1, 2, 3, 15].map((number) => Number(word(registers, number)));
      expect(taken).toEqual([14, 13, 12, 0, 0]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('countsAlone()', () => {
  const hooks = [hookAt('one', {}), hookAt('two', {})];

  it('where each hook has a program of its own that cannot interrupt itself', () => {
    expect(countsAlone(hooks, 'tp-btf', true)).toBe(true);
    expect(countsAlone(hooks, 'kprobe-multi', true)).toBe(true);
  });

  it('not on kernels that may not know of recursion, nor for XDP programs', () => {
    expect(countsAlone(hooks, 'tp-btf', false)).toBe(false);
    expect(countsAlone(hooks, 'xdp', true)).toBe(false);
    expect(countsAlone(hooks, 'program', true)).toBe(false);
  });

  it('not where two programs count at one place', () => {
    expect(countsAlone([...hooks, hookAt('one', {})], 'fentry', true)).toBe(false);
    const returns = { ...hookAt('three', {}), part: 'return' as const };
    expect(countsAlone([...hooks, returns], 'fentry', true)).toBe(false);
    const program = { ...hookAt('bpf:4', {}), program: { id: 4, name: 'f' } };
    expect(countsAlone([...hooks, program], 'fentry-any', true)).toBe(false);
  });
});
