import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { compileWhere } from '../../../src/where/compile-where.ts';
import { RECORDED_KERNELS } from '../../support/kernels.ts';
import { btfOf, NAMES } from '../../unit/where/support/scope.ts';

const EXPRESSIONS = [
  'reason == NETFILTER_DROP && netns != self && (comm == "curl" || pid in 10..20) && skb.mark & 0xff == 3',
  'not (len > skb.dev.mtu || ntohs(sk.sk_dport) in {80, 443}) and dev.name ~ "eth"',
  'skb.pkt_type != 0 && sk.sk_mark & 0xf0 == 0x10 && skb.dev && skb.skb_iif == ifindex',
];

/** With UPDATE_GOLDEN=1 the files are written anew; a difference leaves FILE.actual behind. */
test.each(RECORDED_KERNELS)('the C of --where for %s is as reviewed', (kernel) => {
  const { header, structs } = compileWhere(EXPRESSIONS, btfOf(kernel), NAMES);
  const wants = JSON.stringify(structs, undefined, 2).replaceAll('*/', '* /');
  const text = [...EXPRESSIONS.map((each) => `/* ${each} */`), `/* ${wants} */`, header].join('\n');
  const path = fileURLToPath(new URL(`${kernel}.c`, import.meta.url));
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(path, text);
  const golden = existsSync(path) ? readFileSync(path, 'utf8') : '';
  if (golden === text) rmSync(`${path}.actual`, { force: true });
  else writeFileSync(`${path}.actual`, text);
  expect(text).toBe(golden);
});
