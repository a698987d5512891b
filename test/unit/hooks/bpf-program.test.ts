import { describe, expect, it } from 'vitest';
import type { XcapError } from '../../../src/errors.ts';
import { parseHooks } from '../../../src/hooks/parse.ts';
import { resolveHooks } from '../../../src/hooks/resolve.ts';
import type { ResolvedHook } from '../../../src/hooks/resolved.ts';
import type { BpfProgramFacts } from '../../../src/kernel/bpf-programs.ts';
import { decodeReturn } from '../../../src/records/returned.ts';
import { makeKernel } from '../../support/function-kernel.ts';

const PROGRAMS: readonly BpfProgramFacts[] = [
  { id: 1, type: 3, name: 'choose_by_the_first_byte', functionId: 5 },
  { id: 2, type: 8, name: 'egress', functionId: 7 },
  { id: 3, type: 1, name: 'twice', functionId: 5 },
  { id: 4, type: 1, name: 'twice', functionId: 5 },
  { id: 5, type: 6, name: 'xdp_prog', functionId: 5 },
  { id: 6, type: 22, name: 'dissect', functionId: 5 },
  { id: 7, type: 3, name: 'bare', functionId: undefined },
  { id: 8, type: 12, name: 'route', functionId: 5 },
  { id: 9, type: 2, name: 'kprobe_prog', functionId: 5 },
];

function resolve(...names: readonly string[]): readonly ResolvedHook[] {
  const { view, reader } = makeKernel({ functions: [{ name: 'icmp_rcv', params: ['skb'] }] });
  return resolveHooks(parseHooks(names), view, {
    ...{ reader, assumeAble: false, backend: undefined, exclude: [] },
    ...{ maxHooks: undefined, skip: undefined },
    xdp: {
      programs: {
        byId: (id) => PROGRAMS.find((each) => each.id === id),
        ofType: (...types) => PROGRAMS.filter(({ type }) => types.includes(type)),
      },
      findDevice: () => undefined,
      assumeProgram: false,
    },
  });
}

function refusal(name: string): XcapError {
  try {
    resolve(name);
  } catch (error) {
    return error as XcapError;
  }
  throw new Error('it was resolved');
}

describe('a program that is given sk_buffs', () => {
  it.each(['bpf:1', 'bpf:choose_by_the_first_byte', 'bpf:choose_by_the_f'])(
    'is hooked at both ends, which are a pair: %s',
    (name) => {
      const hooks = resolve(name);
      expect(hooks.map(({ id, backend }) => [id, backend])).toEqual([
        [`${name}@entry`, 'fentry'],
        [`${name}@exit`, 'fexit'],
      ]);
      for (const hook of hooks) {
        expect(hook).toMatchObject({
          ...{ program: { id: 1 }, attachBtfId: 5, xdp: { pair: 0 } },
          place: 'program 1 (choose_by_the_first_byte)',
        });
      }
    },
  );

  it('is no pair with one end', () => {
    expect(resolve('bpf:1@exit', 'bpf:2@entry').map(({ xdp }) => xdp?.pair)).toEqual([
      undefined,
      undefined,
    ]);
  });

  it.each<[string, bigint, object]>([
    ['bpf:1', 2n, { verdict: 'SHOT', verdictCode: { by: 'tc', value: 2 } }],
    ['bpf:2', 0n, { ret: 'drop' }],
    ['bpf:2', 1n, { ret: 'allow' }],
    ['bpf:3', 0xffff_ffffn, { ret: '4294967295' }],
    ['bpf:8', 2n, { ret: 'BPF_DROP' }],
    ['bpf:6', 129n, { ret: 'BPF_FLOW_DISSECTOR_CONTINUE' }],
  ])('returns what its type means: %s, %s', (name, value, expected) => {
    const [hook] = resolve(`${name}@exit`);
    expect(hook?.returns && decodeReturn(hook.returns, value)).toEqual(expected);
    expect(resolve(`${name}@entry`)[0]?.returns).toBeUndefined();
  });

  it('of a flow dissector is in its context, and not always there', () => {
    const [entry] = resolve('bpf:6');
    expect(entry?.arguments).toMatchObject({
      ...{ certain: false, carrier: { kind: 'skb-member', offset: 8, typed: false } },
    });
  });

  it.each([
    ['bpf:5', 1, /: program 5 \(xdp_prog\) is an XDP program$/, /^xdp:5$/],
    ['bpf:7', 4, /: program 7 \(bare\) has no BTF$/, /^compile it with -g \(clang\)$/],
    ['bpf:9', 1, /: program 9 \(kprobe_prog\) is no program that is given sk_buffs$/, /bpftool/],
    ['bpf:99', 1, /: no BPF program has the id 99$/, /bpftool/],
    ['bpf:egres', 1, /: no program that is given sk_buffs is of that name$/, /did you mean egress/],
    ['bpf:twice', 1, /: 2 programs have that name: 3 \(twice\), 4 \(twice\)$/, /bpf:3$/],
  ])('is refused in a line: %s', (name, status, message, hint) => {
    const error = refusal(name);
    expect(error.message).toMatch(message);
    expect(error.hint).toMatch(hint);
    expect(error.exitCode).toBe(status);
  });
});
