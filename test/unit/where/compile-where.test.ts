import { expect, test } from 'vitest';
import { FilterError } from '../../../src/errors.ts';
import { compileWhere } from '../../../src/where/compile-where.ts';
import { randomFrom } from '../filter/support/random-program.ts';
import { btfOf, NAMES } from './support/scope.ts';

const SEED = Number(process.env['XCAP_FUZZ_SEED'] ?? 20261121);
const OPERANDS = [
  ...['pid', 'comm', 'ifname', 'mark', 'reason', 'netns', 'hook', 'context', 'location', 'len'],
  ...['skb', 'sk', 'dev', 'skb.dev', 'skb.dev.mtu', 'skb.dev.name', 'skb.pkt_type', 'sk.sk_mark'],
  ...['skb.cb[3]', 'skb.users', 'skb.nothing', 'sk.sk_dport', 'dev.nd_net.net.ns.inum', 'skb.head'],
  ...[
    '3',
    '-1',
    '0xffffffff',
    '"eth0"',
    '"blue"',
    'self',
    'drop',
    'NETFILTER_DROP',
    'x',
    'softirq',
  ],
  ...['ntohs(sk.sk_dport)', 'ntohl(mark)', 'mark & 0xff', 'skb.cb[3] & skb.mark', '(pid)'],
];
const TAILS = [
  ...['', '== ', '!= ', '< ', '>= ', '~ ', '& '].map(
    (op) => (operand: string) => op && op + operand,
  ),
  (operand: string) => `in {${operand}}`,
  (operand: string) => `not in ${operand}..${operand}`,
  (operand: string) => `in ${operand}..20`,
];

test(`compileWhere() gives C or a FilterError, whatever is joined (seed ${SEED})`, () => {
  const random = randomFrom(SEED);
  const pick = <T>(from: readonly T[]): T => from[random(from.length)]!;
  const btf = btfOf('6.18');
  let compiled = 0;
  for (let round = 0; round < 3000; round++) {
    const terms = Array.from(
      { length: 1 + random(3) },
      () =>
        `${pick(['', '!', '('])}${pick(OPERANDS)} ${pick(TAILS)(pick(OPERANDS))}${pick(['', ')'])}`,
    );
    const text = terms.join(pick([' && ', ' || ']));
    try {
      const { header, structs } = compileWhere([text], btf, NAMES);
      compiled++;
      expect(header).toMatch(/^[\t\n -~]*$/);
      expect(JSON.stringify(structs)).toMatch(/^[\w{}"[\]:,.]*$/);
    } catch (error) {
      if (!(error instanceof FilterError)) throw new Error(`${text}: ${String(error)}`);
      expect(error.column, text).toBeLessThanOrEqual(text.length);
    }
  }
  expect(compiled).toBeGreaterThan(100);
}, 30_000);

test('compileWhere() asks for the members that the C names, elements as their arrays', () => {
  const text = 'skb.cb[3] == 1 && skb.dev.mtu > 3 && sk.sk_mark == 1 && sk.sk_dport == 1 && sk';
  const { structs } = compileWhere([text], btfOf('6.18'), NAMES);
  expect(structs).toEqual({
    sk_buff: ['cb', 'dev'],
    net_device: ['mtu'],
    sock: ['sk_mark', '__sk_common.skc_state', '__sk_common.skc_dport'],
  });
});
