import { expect, test } from 'vitest';
import { runCli } from '../../../src/cli/run-cli.ts';
import type { CliIo } from '../../../src/cli/io.ts';

/** What a command line prints on standard output, or how it is refused. */
async function filter(...args: string[]): Promise<string> {
  let out = '';
  const io: CliIo = {
    abort: new AbortController().signal,
    onSummaryRequest: () => () => undefined,
    env: {},
    log: { note: () => undefined, text: () => undefined },
    stdout: { fd: 1, isTerminal: false, print: (text) => (out += text) },
  };
  await runCli(['filter', ...args], io);
  return out;
}

test('filter --emit c prints a whole C file with the documented function', async () => {
  const text = await filter('--emit', 'c', 'tcp port 80');
  expect(text).toContain('#include <stdint.h>');
  expect(text).toContain(
    'int xcap_match(const unsigned char *bytes, unsigned captured, unsigned wire)\n{',
  );
});

test('filter --explain tells of both kinds of packets: listing, cost and C', async () => {
  const text = await filter('--explain', 'tcp port 443');
  for (const part of [
    'expression: tcp port 443',
    'for link type EN10MB (packets that start at an Ethernet header):',
    'for link type RAW (packets that start at an IP header):',
    'TCP source port',
    'at most 1 read of packet memory for a packet (3 on kernels before 5.12)',
    'static __always_inline u32 xcap_filter(',
  ]) {
    expect(text).toContain(part);
  }
});

test('filter --explain tells of the link type asked for, and of what it has no words for', async () => {
  const sll = await filter('--explain', '-y', 'LINUX_SLL', 'arp');
  expect(sll.match(/^for link type .*/gm)).toEqual(['for link type LINUX_SLL:']);
  expect(await filter('--explain', 'ether host 02:00:00:00:00:01')).toMatch(
    /for link type RAW.*\n\n {2}libpcap: ethernet addresses supported only on/,
  );
});

test.each([
  [['--read', 'a.pcap'], /expression is missing/],
  [['--verify', 'a.pcap'], /expression is missing/],
  [['icmp', '--read'], /its argument is missing/],
  [['icmp', '--read', 'a', '--verify', 'b'], /not together/],
  [['icmp', '--read', 'a', '--emit', 'c'], /not together/],
  [['icmp', '--verify', 'a', '--link-type', 'RAW'], /not together/],
  [['icmp', '--explain', '--emit', 'c'], /not together/],
])('filter refuses %j', async (args, message) => {
  await expect(filter(...args)).rejects.toThrow(message);
});
