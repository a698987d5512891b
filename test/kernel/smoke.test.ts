import { expect, it } from 'vitest';
import { NetnsPair } from '../support/netns.ts';
import { capture } from '../support/tracer.ts';
import { ping } from '../support/traffic.ts';

/** Also run under other versions of Node: the shortest proof that FFI, ring and outputs work there. */
it('captures ten dropped pings', async () => {
  using pair = new NetnsPair();
  pair.b.iptables('-A', 'INPUT', '-p', 'icmp', '-j', 'DROP');
  const { records, summaries, status, stderr } = await capture(
    ['--netns', pair.b.name, 'icmp'],
    () => void ping(pair.a, pair.b.address4, 10),
  );
  expect(status, stderr).toBe(0);
  expect(records).toHaveLength(10);
  expect(summaries[0]).toMatchObject({ matched: 10, written: 10, lost: 0 });
});
