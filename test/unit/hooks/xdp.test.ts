import { describe, expect, it } from 'vitest';
import { emitHookFunctions } from '../../../src/codegen/hooks.ts';
import { unitKind } from '../../../src/codegen/unit-kind.ts';
import { RunValues } from '../../../src/codegen/run-values.ts';
import { parseHooks } from '../../../src/hooks/parse.ts';
import { resolveHooks } from '../../../src/hooks/resolve.ts';
import type { ResolvedHook } from '../../../src/hooks/resolved.ts';
import { countXdpPairs, type XdpSurroundings } from '../../../src/hooks/xdp.ts';
import type { BpfProgramFacts } from '../../../src/kernel/bpf-programs.ts';
import type { FeatureId } from '../../../src/kernel/features.ts';
import type { XdpDevice } from '../../../src/kernel/xdp-devices.ts';
import { makeKernel } from '../../support/function-kernel.ts';

const PROGRAMS: readonly BpfProgramFacts[] = [
  { id: 12, type: 6, name: 'drop_what_is_unwanted', functionId: 5 },
  { id: 13, type: 6, name: 'untyped', functionId: undefined },
  { id: 14, type: 6, name: 'twin', functionId: 5 },
  { id: 15, type: 6, name: 'twin', functionId: 5 },
  { id: 16, type: 3, name: 'classifier', functionId: 5 },
];
const DEVICES: readonly XdpDevice[] = [
  { name: 'eth0', ifindex: 2, netns: 4026531833, netnsPath: undefined, programs: [12] },
  { name: 'eth1', ifindex: 3, netns: 4026531833, netnsPath: undefined, programs: [13] },
  { name: 'eth2', ifindex: 4, netns: 4026531833, netnsPath: undefined, programs: [] },
];
const surroundings: XdpSurroundings = {
  programs: {
    byId: (id) => PROGRAMS.find((each) => each.id === id),
    ofType: (type) => PROGRAMS.filter((each) => each.type === type),
  },
  findDevice: (text) => DEVICES.find(({ name }) => name === text),
  assumeProgram: false,
};

function resolve(names: readonly string[], without: readonly FeatureId[]): readonly ResolvedHook[] {
  const { view, reader } = makeKernel({
    functions: [{ name: 'bpf_dispatcher_xdp_func', params: ['void*', 'void*', 'void*'] }],
    without,
  });
  return resolveHooks(parseHooks(names), view, {
    ...{ reader, assumeAble: false, backend: undefined, exclude: [], maxHooks: undefined },
    ...{ skip: undefined, xdp: surroundings },
  });
}
const onPrograms = (...names: string[]): readonly ResolvedHook[] =>
  resolve(names, ['xdp-dispatcher']);
const everywhere = (...names: string[]): readonly ResolvedHook[] => resolve(names, []);

function code(hook: ResolvedHook, values = new RunValues()): string {
  return emitHookFunctions([hook], unitKind(hook), 'f', undefined, values.of).text;
}

describe('an XDP hook, where all programs are called in one place', () => {
  it('is at that place, for the packets of a device', () => {
    const [entry, exit] = everywhere('xdp:eth0');
    expect(entry).toMatchObject({
      ...{ id: 'xdp:eth0@entry', backend: 'fentry', place: 'bpf_dispatcher_xdp_func' },
      ...{ subject: 'packets to the XDP program of eth0', returns: undefined },
    });
    expect(entry?.program).toBeUndefined();
    expect(exit).toMatchObject({ backend: 'fexit', returns: { kind: 'verdict', by: 'xdp' } });
    const values = new RunValues();
    expect(code(entry!, values)).toContain(
      'if (!xcap_xdp_from(hit.xdp, XCAP_VALUE(0), XCAP_VALUE(1)))',
    );
    expect(values.all).toEqual([2n, 4026531833n]);
    // Both ends ask for the same numbers.
    expect(code(exit!, values)).toContain('XCAP_VALUE(0), XCAP_VALUE(1)))');
    expect(values.all).toHaveLength(2);
    expect(code(entry!)).toContain('xcap_xdp_program_is_devices(xcap_func_arg(ctx, 1), 56)');
    expect(code(entry!)).toContain('return xcap_capture_entry(&hit, 0);');
    expect(code(exit!)).toContain('hit.ret = (u32)xcap_func_ret(ctx);');
    expect(code(exit!)).toContain('return xcap_capture_exit(&hit, 0);');
  });

  it('takes a program without BTF, and asks which one ran', () => {
    const [exit] = everywhere('xdp:13@exit');
    expect(code(exit!)).toContain('xcap_xdp_program_is(xcap_func_arg(ctx, 1), 56, XCAP_VALUE(0))');
    expect(code(exit!)).toContain('return xcap_capture(&hit);');
  });

  it('makes a pair of both ends only', () => {
    const hooks = everywhere('xdp:eth0', 'xdp:eth1@exit', 'xdp:14');
    expect(hooks.map(({ xdp }) => xdp?.pair)).toEqual([0, 0, undefined, 1, 1]);
    expect(countXdpPairs(hooks)).toBe(2);
    expect(countXdpPairs(everywhere('xdp:eth0@entry'))).toBe(0);
  });
});

describe('an XDP hook, where it has to be on the program itself', () => {
  it('is on the program that the device has', () => {
    const [, exit] = onPrograms('xdp:eth0');
    expect(exit).toMatchObject({
      ...{ place: 'program 12 (drop_what_is_unwanted)', attachBtfId: 5 },
      program: { id: 12, name: 'drop_what_is_unwanted' },
    });
    expect(code(exit!)).toContain('hit.xdp = (void *)ctx[0];');
    expect(code(exit!)).toContain('hit.ret = (u32)ctx[1];');
    expect(code(exit!)).not.toContain('xcap_xdp_program_is');
  });

  it('needs BTF of it', () => {
    expect(() => onPrograms('xdp:eth1')).toThrow(
      'hooking xdp:eth1@entry: program 13 (untyped) has no BTF',
    );
  });
});

describe('an XDP hook names', () => {
  it.each(['12', 'drop_what_is_unwanted', 'drop_what_is_un'])('a program: %s', (name) => {
    expect(onPrograms(`xdp:${name}@entry`)[0]?.program?.id).toBe(12);
  });

  it.each([
    ['twin', '2 programs have that name: 14 (twin), 15 (twin)'],
    ['drop_what', 'no device and no XDP program of that name'],
    ['99', 'no BPF program has the id 99'],
    ['16', 'program 16 (classifier) is no XDP program'],
    ['eth2', 'eth2 has no XDP program'],
  ])('something else, which is an error: %s', (name, message) => {
    expect(() => onPrograms(`xdp:${name}@exit`)).toThrow(
      `choosing hooks: xdp:${name}@exit: ${message}`,
    );
  });
});
