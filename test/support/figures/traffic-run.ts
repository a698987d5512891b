import { spawnSync } from 'node:child_process';
import type { NetnsPair } from '../netns.ts';
import { buildSender } from '../traffic.ts';

/** Bytes in each datagram. */
export const PAYLOAD_BYTES = 100;
/** A rule in namespace b drops datagrams to this port. */
export const DROPPED_PORT = 9;

/**
 * Sends `count` datagrams that are dropped, from the first processor; microseconds for each, as the
 * sender sees it.
 *
 * @param before words that the command starts with
 */
export function flood(
  pair: NetnsPair,
  count: number,
  before: readonly string[] = [],
  { payload = PAYLOAD_BYTES }: { readonly payload?: number } = {},
): number {
  const sender = buildSender('send-datagrams');
  const command = `taskset -c 0 ${sender} ${pair.b.address4} ${DROPPED_PORT} ${count} 0`;
  const script = `a=$EPOCHREALTIME; ${command} >/dev/null; b=$EPOCHREALTIME; echo $((\${b/./} - \${a/./}))`;
  const [program = '', ...args] = pair.a.command([...before, 'bash', '-c', script]);
  const result = spawnSync(program, args, { input: 'x'.repeat(payload), encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`sending: ${result.error?.message ?? result.stderr}`);
  return Number(result.stdout) / count;
}
