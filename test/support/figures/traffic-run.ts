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
