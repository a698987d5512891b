import { describe, expect, test } from 'vitest';
import { UnsupportedError } from '../../../src/errors.ts';
import type { Condition } from '../../../src/where/condition.ts';
import { parseWhere } from '../../../src/where/parse.ts';
import { resolveWhere } from '../../../src/where/resolve.ts';
import { btfOf, complaint, NAMES } from './support/scope.ts';

const btf = btfOf('6.18');

function resolve(expression: string, names = NAMES): Condition {
  return resolveWhere({ expression, btf, names }, parseWhere(expression));
}

/** The constants that a term compares with. */
function constants(condition: Condition): unknown {
  if (condition.kind === 'within') return condition.ranges;
  if (condition.kind === 'compare') {
    return condition.right.kind === 'constant' ? condition.right.value : undefined;
  }
  return undefined;
}

describe('resolveWhere()', () => {
  test.each([
    ['reason == NETFILTER_DROP', 4n],
    ['reason == netfilter_drop', 4n],
    ['reason == "NO_SOCKET"', 3n],
    ['reason == 77', 77n],
    ['netns != self', 4026531833n],
    ['netns == "blue"', 42n],
    ['netns_name == blue', 42n],
    ['netns == 4026531999', 4026531999n],
    ['hook == rx', 1n],
    ['context == softirq', 2n],
    ['packet_type == outgoing', 4n],
    ['type == host', 0n],
    ['protocol == ip6', 0x86ddn],
    ['protocol == 0x88cc', 0x88ccn],
    ['link == ethernet', 1n],
    ['mark & 0xff == 0x2a', 0x2an],
    ['3 < pid', 3n],
    ['skb.dev.perm_addr[0] == 255', 255n],
    ['sk.sk_bound_dev_if == -1', -1n],
    ['skb.sk == 0xffff888000000000', 0xffff888000000000n],
    ['location == 0xffffffff81000010', 0xffffffff81000010n],
    [
      'location == nf_hook_slow',
      [{ from: 0xffffffff81000000n, to: 0xffffffff810000ffn, ofRun: true }],
    ],
  ])('gives %s its meaning', (text, value) => {
    expect(constants(resolve(text))).toEqual(value);
  });

  test('a literal may stand on either side', () => {
    expect(resolve('1500 < len')).toEqual(resolve('len > 1500'));
    expect(resolve('"curl" == comm')).toEqual(resolve('comm == "curl"'));
    expect(resolve('NETFILTER_DROP == reason')).toEqual(resolve('reason == NETFILTER_DROP'));
  });

  test('a function of several places is one set', () => {
    expect(resolve('location != twice')).toMatchObject({
      kind: 'within',
      negated: true,
      ranges: [{}, {}],
    });
  });

  test('a bare word is a field before it is a name, a string always is a name', () => {
    expect(constants(resolve('netns == "mark"'))).toBe(43n);
    expect(complaint('netns == mark', () => resolve('netns == mark'))).toMatchObject({
      at: 'mark',
      hint: 'a name is written in quotes: "mark"',
    });
  });

  test.each([
    ['sk.sk_state == TCP_LISTEN', '6.18'],
    ['sk.sk_type == SOCK_DGRAM', '6.18'],
  ])('without the enum in the recording, %s says that no enum has it', (text) => {
    // The recordings keep few enums: the name is looked for in all of them.
    expect(complaint(text, () => resolve(text)).why).toContain('no enum of this kernel');
  });

  test.each([
    ['pidd == 3', 'pidd == 3', 'pidd: no such field', 'did you mean pid?'],
    ['caplen == 3', 'caplen == 3', 'caplen: no such field', 'len is the length on the wire'],
    ['foo.bar == 3', 'foo.bar == 3', 'foo: no such field', /fields are reason/],
    ['comm.x == 3', 'x == 3', 'x: comm has no members', 'members are those of skb, sk and dev'],
    ['3 == 4', '3 == 4', '3 == 4: neither side is a field or a member', undefined],
    ['3', '3', '3: no condition by itself', /compare it/],
    ['comm', 'comm', 'comm: no condition by itself', /compare it/],
    ['hook', 'hook', 'hook: no condition by itself', /compare it/],
    ['NETFILTER_DROP', 'NETFILTER_DROP', 'NETFILTER_DROP: no such field', /fields are reason/],
    // Types.
    ['pid == "curl"', '"curl"', '"curl": expected a number', undefined],
    ['comm == 3', '3', '3: expected a string in quotes', undefined],
    ['comm == curl', 'curl', 'curl: expected a string in quotes', /in quotes: "curl"/],
    ['comm == ifname', 'ifname', 'ifname: expected a string in quotes', undefined],
    ['comm < "curl"', '< "curl"', '<: strings have no order: expected == or !=', undefined],
    ['comm in {"a".."b"}', '"b"}', '"b": strings have no ranges', undefined],
    ['pid == comm', 'comm', 'comm: expected a number', /in quotes/],
    ['skb.dev == netns', 'netns', 'netns: a pointer is compared with a number', /in quotes/],
    ['skb.dev < 3', '< 3', '<: pointers have no order: expected == or !=', undefined],
    ['pid ~ "1"', 'pid ~ "1"', 'pid: ~ takes a string on its left', /comm, ifname/],
    ['comm ~ ""', '""', '"": empty: every string begins so', undefined],
    ['comm & 3 == 3', 'comm & 3 == 3', 'comm: a string cannot be masked', /&&/],
    ['skb.dev & 3 == 3', 'skb.dev & 3 == 3', 'skb.dev: a pointer cannot be masked', /&&/],
    ['3 & 4 == 0', '3 & 4 == 0', '3 & 4: a constant: & masks a field or a member', undefined],
    ['reason == pid', 'pid', 'pid: expected a name or a number', /in quotes/],
    ['pid in {1, tid}', 'tid}', 'tid: expected a number or a name: a set is constant', undefined],
    ['3 in {1}', '3 in {1}', '3: expected a field or a member before in', undefined],
    ['location > nf_hook_slow', '> nf_hook_slow', />: a function has many addresses/, undefined],
    // Names.
    ['reason == NETFLTER', 'NETFLTER', /this kernel has no such reason/, /NETFILTER_DROP/],
    ['netns == "red"', '"red"', '"red": no such namespace', undefined],
    ['hook == drip', 'drip', 'drip: no such hook', undefined],
    ['hook == 0', '0', '0: expected the name of a hook', undefined],
    ['context == user', 'user', 'user: no such context', /process, softirq, hardirq, nmi/],
    ['type == us', 'us', 'us: no such packet type', /host, broadcast/],
    ['mark == FOO_BAR', 'FOO_BAR', /no field, and no enum/, /#define/],
    // Ranges.
    ['pid == 4294967296', '4294967296', '4294967296: out of range', 'it is 0 to 4294967295'],
    ['pid == -1', '-1', '-1: out of range', 'it is 0 to 4294967295'],
    ['queue in 1..65536', '65536', '65536: out of range', 'it is 0 to 65535'],
    ['pid in 20..10', '10', '10: the range ends before it begins', undefined],
    ['skb.pkt_type == 8', '8', '8: out of range', 'it is 0 to 7'],
    ['sk.sk_bound_dev_if == 2147483648', '2147483648', /out of range/, /-2147483648 to 2147483647/],
    ['mark & 0x100000000 == 0', '0x100000000 == 0', /out of range for a mask/, /32 bits/],
    ['mark & 0 == 0', '0 == 0', '0: out of range for a mask', /32 bits/],
    ['mark & 0xff == 0x100', '0x100', '0x100: out of range', 'it is 0 to 255'],
    ['mark & 0xf0 == 3', '3', '3: has bits outside the mask: it is never equal', /0xf0/],
    ['comm == "sixteen-bytes-xx"', '"sixteen-bytes-xx"', /longer than the 15 bytes/, /by ~/],
    ['skb.dev.name == "0123456789abcdef"', '"0123456789abcdef"', /longer than the 15/, /by ~/],
    // Byte order.
    ['ntohs(protocol) == 1', 'protocol) == 1', /in host order already/, undefined],
    ['ntohs(mark & 3) == 1', 'mark & 3) == 1', /takes a member of 16 bits/, undefined],
    ['ntohl(skb.protocol) == 1', 'skb.protocol) == 1', /32 bits, this one has 16/, undefined],
    ['ntohs(3) == 1', '3) == 1', '3: ntohs() takes a member of 16 bits', undefined],
  ])('refuses %s', (text, at, why, hint) => {
    const found = complaint(text, () => resolve(text));
    expect(found.at).toBe(at);
    if (typeof why === 'string') expect(found.why).toBe(why);
    else expect(found.why).toMatch(why);
    if (hint === undefined) expect(found.hint).toBeUndefined();
    else expect(found.hint).toMatch(hint);
  });

  test('a kernel without drop reasons is no mistake in the expression', () => {
    const names = {
      ...NAMES,
      reason: () => {
        throw new UnsupportedError('choosing drop reasons: 3: this kernel has none');
      },
    };
    expect(() => resolve('reason == NO_SOCKET', names)).toThrow(UnsupportedError);
    expect(() => resolve('reason in 2..3', names)).toThrow(UnsupportedError);
  });

  test('sides of different width or sign are compared by value', () => {
    expect(resolve('len > skb.dev.mtu')).toMatchObject({ signed: true });
    expect(resolve('skb.skb_iif == ifindex')).toMatchObject({ signed: true });
    expect(resolve('location == skb.tstamp_type & location')).toMatchObject({ signed: false });
    const text = 'location == skb.skb_iif';
    expect(complaint(text, () => resolve(text)).why).toContain('signed');
  });
});
