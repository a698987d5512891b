import { describe, expect, test } from 'vitest';
import { memberPath } from '../../../src/btf/members.ts';
import type { PathOperand } from '../../../src/where/ast.ts';
import { ROOTS } from '../../../src/where/condition.ts';
import { resolveMember, type ResolvedMember } from '../../../src/where/member-path.ts';
import { parseWhere } from '../../../src/where/parse.ts';
import { RECORDED_KERNELS } from '../../support/kernels.ts';
import { btfOf, complaint } from './support/scope.ts';

function pathOf(text: string): PathOperand {
  const tree = parseWhere(text);
  if (tree.kind !== 'bare' || tree.operand.kind !== 'path') throw new Error(`${text}: no path`);
  return tree.operand;
}

function resolve(kernel: string, text: string): ResolvedMember {
  const path = pathOf(text);
  const root = ROOTS.find((each) => each === path.steps[0].name)!;
  return resolveMember(btfOf(kernel), text, root, path);
}

const hops = (found: ResolvedMember): string[] =>
  found.read.hops.map(
    ({ struct, member, typed }) => `${struct}.${member}${typed ? '' : ' probed'}`,
  );

describe.each(RECORDED_KERNELS)('resolveMember() on %s', (kernel) => {
  test.each([
    ['skb', [], 'pointer'],
    ['skb.mark', ['sk_buff.mark'], 'integer'],
    ['skb.pkt_type', ['sk_buff.pkt_type probed'], 'bit-field'],
    ['skb.dev.mtu', ['sk_buff.dev', 'net_device.mtu'], 'integer'],
    ['skb.dev', ['sk_buff.dev probed'], 'pointer'],
    ['skb.dev.name', ['sk_buff.dev', 'net_device.name probed'], 'char-array'],
    [
      'skb.dev.nd_net.net.ns.inum',
      ['sk_buff.dev', 'net_device.nd_net.net', 'net.ns.inum'],
      'integer',
    ],
    ['skb.cb[47]', ['sk_buff.cb[47]'], 'integer'],
    ['dev.mtu', ['net_device.mtu probed'], 'integer'],
    ['sk.__sk_common.skc_dport', ['sock.__sk_common.skc_dport'], 'integer'],
    ['sk.sk_dport', ['sock.__sk_common.skc_dport'], 'integer'],
    ['sk.sk_mark', ['sock.sk_mark'], 'integer'],
    ['sk.sk_socket.state', ['sock.sk_socket', 'socket.state'], 'integer'],
  ])('finds %s', (text, expected, form) => {
    const found = resolve(kernel, text);
    expect(hops(found)).toEqual(expected);
    expect(found.read.form).toBe(form);
  });

  test('every hop is a member that the BTF has, as wide as it says', () => {
    for (const text of ['skb.mark', 'skb.dev.mtu', 'sk.sk_dport', 'skb.dev.nd_net.net.ns.inum']) {
      const { read } = resolve(kernel, text);
      for (const { struct, member } of read.hops) {
        expect(memberPath(btfOf(kernel), struct, member), `${struct} ${member}`).toBeDefined();
      }
      const last = read.hops.at(-1)!;
      expect(memberPath(btfOf(kernel), last.struct, last.member)!.sizeBytes * 8).toBe(read.bits);
    }
  });

  test.each([
    // Of members that share bytes, the verifier knows the first one.
    ['skb.dev_scratch', ['sk_buff.dev_scratch probed'], 'integer'],
  ])('probes %s, which the verifier would take for another member', (text, expected, form) => {
    const found = resolve(kernel, text);
    expect(hops(found)).toEqual(expected);
    expect(found.read.form).toBe(form);
  });

  test.each([
    [
      'skb.dev.mtuu',
      'mtuu',
      /struct net_device of this kernel has no such member/,
      /did you mean mtu/,
    ],
    ['skb.mark.x', 'x', /a number and has no members/, undefined],
    [
      'skb.dev.perm_addr',
      'skb.dev.perm_addr',
      /an array: name one of/,
      /perm_addr\[0\] to skb.dev.perm_addr\[31\]/,
    ],
    ['skb.cb[48]', '[48]', /the array has 48 elements/, undefined],
    ['skb.dev.perm_addr.x', 'x', /is an array: choose an element by \[0\]/, undefined],
    ['skb.mark[0]', '[0]', /is no array/, undefined],
    ['skb[0]', '[0]', /is no array/, undefined],
    ['sk.__sk_common', 'sk.__sk_common', /a struct: name one of its members/, /it has /],
    ['skb.head.x', 'head.x', /a pointer, but not to a struct/, undefined],
    ['skb.dev.rtnl_link_ops.kind', 'rtnl_link_ops.kind', /do not describe rtnl_link_ops/, /module/],
    ['sk.sk_nonsense', 'sk_nonsense', /no such member/, undefined],
  ])('refuses %s', (text, at, why, hint) => {
    const found = complaint(text, () => resolve(kernel, text));
    expect(found.at).toBe(at);
    expect(found.why).toMatch(why);
    if (hint !== undefined) expect(found.hint).toMatch(hint);
  });
});
