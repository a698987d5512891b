import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { openLibpcap } from '../../../src/ffi/libpcap.ts';
import { compileExpression } from '../../../src/filter/compile-expression.ts';

const pcap = openLibpcap();

/** With UPDATE_GOLDEN=1 the files are written anew; a difference leaves FILE.actual behind. */
function matchesGolden(name: string, text: string): void {
  const path = fileURLToPath(new URL(name, import.meta.url));
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(path, text);
  const golden = existsSync(path) ? readFileSync(path, 'utf8') : '';
  if (golden === text) rmSync(`${path}.actual`, { force: true });
  else writeFileSync(`${path}.actual`, text);
  expect(text).toBe(golden);
}

test.each([
  ['icmp', 'icmp'],
  ['greater', 'greater 1000'],
  ['host', 'icmp and host 10.9.0.2'],
  ['tcp-port', 'tcp port 443'],
  ['http-get', 'tcp[tcp[12]>>2&0x3c:4] = 0x47455420'],
  ['ether-host', 'ether host 02:00:00:00:00:01'],
  ['vlan', 'vlan and udp'],
  ['unbounded', 'ip[ip[2:2]] = 1 and ether[300:4] / ip[8] > len'],
])('the C of %s.c is that of `%s`', (name, expression) => {
  const pair = compileExpression(expression, pcap)!;
  const parts = [pair.l2, pair.l3].map((filter) => {
    if (filter === undefined) return `/* raw IP: ${pair.note ?? ''} */\n`;
    const { windowBytes, readsBeyondWindow, reachBytes = 'any' } = filter;
    const facts = `window ${windowBytes}, reach ${reachBytes}, beyond ${readsBeyondWindow}`;
    return `/* ${facts} */\n${filter.text}`;
  });
  matchesGolden(`${name}.c`, [`/* ${expression} */\n`, ...parts].join('\n'));
});
