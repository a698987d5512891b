import { spawnSync } from 'node:child_process';
import type { NetnsPair } from '../netns.ts';
import { buildSender } from '../traffic.ts';

/** Bytes in each datagram. */
export const PAYLOAD_BYTES = 100;
/** A rule in namespace b drops datagrams to this port. */
export const DROPPED_PORT = 9;

/** Datagrams that are timed together. */
const BATCH = 20;

/**
 * Sends `count` datagrams that are dropped, from the first processor; microseconds for each, as the
 * sender sees it: the lower decile of its batches, as what else the machine does only adds.
 *
 * @param before words that the command starts with
 */
export function flood(
  pair: NetnsPair,
  count: number,
  before: readonly string[] = [],
  { payload = PAYLOAD_BYTES }: { readonly payload?: number } = {},
): number {
  const numbers = [DROPPED_PORT, count, 0, 0, BATCH].map(String);
  const [program = '', ...args] = pair.a.command([
    ...before,
    ...['taskset', '-c', '0', buildSender('send-datagrams'), pair.b.address4, ...numbers],
  ]);
  const result = spawnSync(program, args, {
    input: 'x'.repeat(payload),
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  if (result.status !== 0) throw new Error(`sending: ${result.error?.message ?? result.stderr}`);
  const batches = result.stdout.trim().split('\n').map(Number);
  const decile = batches.sort((a, b) => a - b)[Math.floor(batches.length / 10)] ?? Number.NaN;
  return decile / BATCH / 1000;
}

const PKTGEN = `
modprobe pktgen 2>/dev/null && cd /proc/net/pktgen || { echo 0; exit; }
echo rem_device_all >kpktgend_0
echo "add_device $1" >kpktgend_0
for word in "count $2" 'clone_skb 0' 'delay 0' "pkt_size $3" "src_min $4" "src_max $4" "dst $5" "dst_mac $6" \
  "udp_dst_min $7" "udp_dst_max $7"; do
  echo "$word" >"$1"
done
echo start >pgctrl
grep -o 'pkts-sofar: [0-9]*' "$1" | cut -d ' ' -f 2
echo rem_device_all >kpktgend_0
`;

/** The same by the kernel's packet generator, as fast as it goes; how many were sent, 0 where there is none. */
export function pktgen({ a, b }: NetnsPair, count: number): number {
  const words = [a.device, count, PAYLOAD_BYTES + 42, a.address4, b.address4, b.mac, DROPPED_PORT];
  return Number(a.exec('bash', '-c', PKTGEN, 'pktgen', ...words.map(String)));
}
