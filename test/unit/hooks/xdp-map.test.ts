import { describe, expect, it } from 'vitest';
import { UnsupportedError, UsageError } from '../../../src/errors.ts';
import { parseHooks } from '../../../src/hooks/parse.ts';
import { describeHooks, hookIds } from '../../../src/hooks/resolved.ts';
import { parseXdpAction, xdpActionName } from '../../../src/hooks/xdp-actions.ts';
import { resolveXdpMap } from '../../../src/hooks/xdp-map.ts';
import type { HookMapFacts } from '../../../src/kernel/hook-map-facts.ts';

const FACTS: HookMapFacts = {
  id: 7,
  type: 3,
  keySize: 4,
  valueSize: 4,
  maxEntries: 5,
  ownerType: 6,
};
const SPEC = { id: 'xdpmap:/sys/fs/bpf/h', path: '/sys/fs/bpf/h' };

const resolve = (facts: Partial<HookMapFacts> = {}, options = {}) =>
  resolveXdpMap(SPEC, { ...FACTS, ...facts }, options);

describe('xdpmap:PATH', () => {
  it('is a hook by the path of the map', () => {
    expect(parseHooks(['xdpmap:/sys/fs/bpf/h'])).toEqual([{ kind: 'xdp-map', ...SPEC }]);
    expect(() => parseHooks(['xdpmap:'])).toThrow(
      'choosing hooks: xdpmap:: the path of a pinned map is missing',
    );
  });

  it('is one hook at each entry of the map, with the verdict that the entry stands for', () => {
    const hooks = resolve();
    expect(hookIds(hooks)).toEqual([SPEC.id]);
    expect(hooks.map(({ verdict }) => verdict)).toEqual([0, 1, 2, 3, 4]);
    expect(resolve({ maxEntries: 4 }).map(({ verdict }) => verdict)).toEqual([0, 1, 2, 3]);
    expect(describeHooks(hooks)).toEqual(['XDP verdicts (/sys/fs/bpf/h, XDP)']);
  });

  it('is at the entries asked for only, each once and in their order', () => {
    const hooks = resolve({}, { xdpActions: [2, 1, 2] });
    expect(hooks.map(({ verdict }) => verdict)).toEqual([2, 1]);
  });

  it('is a hook for each action where that is asked for', () => {
    const hooks = resolve({ maxEntries: 8 }, { xdpActions: [1, 5], hookPerAction: true });
    expect(hookIds(hooks)).toEqual(['XDPdrop', 'XDPxdpAction(5)']);
  });

  it('says which entries there are when one is asked for that is not', () => {
    expect(() => resolve({ maxEntries: 4 }, { xdpActions: [4] })).toThrow(
      new UsageError('choosing actions: redirect: xdpmap:/sys/fs/bpf/h has no entry for it', {
        hint: 'it has aborted, drop, pass, tx',
      }),
    );
  });

  it.each([
    [{ type: 2 }, 'it is a map of array, keys of 4 bytes, values of 4: a hook is a program array'],
    [{ type: 99 }, 'it is a map of type 99, keys of 4 bytes'],
    [{ valueSize: 8 }, 'it is a map of program array, keys of 4 bytes, values of 8'],
    [{ maxEntries: 64 }, '64 entries: a hook has 5, or 4 without redirect'],
    [{ ownerType: undefined }, 'no program uses this map yet'],
    [{ ownerType: 3 }, 'its programs are of type 3, not XDP programs'],
  ])('refuses a map that is no hook: %o', (facts, why) => {
    const attempt = (): unknown => resolve(facts);
    expect(attempt).toThrow(UnsupportedError);
    expect(attempt).toThrow(`hooking xdpmap:/sys/fs/bpf/h: ${why}`);
  });

  it('takes a larger map when its entries are named', () => {
    expect(resolve({ maxEntries: 64 }, { xdpActions: [2] })).toHaveLength(1);
  });
});

describe('XDP actions', () => {
  it.each([
    ['drop', 1],
    [' Redirect ', 4],
    ['PASS', 2],
    ['0x3', 3],
    ['7', 7],
  ])('%o is %d', (text, action) => {
    expect(parseXdpAction(text)).toBe(action);
  });

  it.each(['', 'dropped', '-1', '1.5', '4294967296'])('%o is none', (text) => {
    expect(parseXdpAction(text)).toBeUndefined();
  });

  it('has a name or its number', () => {
    expect([xdpActionName(0), xdpActionName(9)]).toEqual(['aborted', '9']);
  });
});
