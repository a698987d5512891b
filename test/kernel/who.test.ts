import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NetnsPair } from '../support/netns.ts';
import { capture, runXcap } from '../support/tracer.ts';
import { ping } from '../support/traffic.ts';

const ID = 'ab'.repeat(32);
const CONTAINER = `docker-${ID}.scope`;

let pair: NetnsPair;
let mount: string;
let mounted = false;
let own: string;
beforeAll(() => {
  pair = new NetnsPair();
  pair.a.nft(
    'table inet t { chain c { type filter hook output priority 0; icmp type echo-request drop; }; }',
  );
  const line = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .find((each) => each.includes(' - cgroup2 '));
  mount = line?.split(' ')[4] ?? mkdtempSync(join(tmpdir(), 'xcap-cgroup-'));
  if (line === undefined) {
    mounted = spawnSync('mount', ['-t', 'cgroup2', 'none', mount]).status === 0;
  }
  own = `xcap-test-${process.pid}`;
  mkdirSync(join(mount, own, CONTAINER), { recursive: true });
});
afterAll(() => {
  pair.dispose();
  rmdirSync(join(mount, own, CONTAINER));
  rmdirSync(join(mount, own));
  if (mounted) spawnSync('umount', [mount]);
});

/** Runs a program in the cgroup. */
function inContainer(...command: readonly string[]): void {
  const script = 'echo $$ >"$0/cgroup.procs" && exec "$@"';
  spawnSync('sh', ['-c', script, join(mount, own, CONTAINER), ...command]);
}

const pingFromContainer = (): void => {
  inContainer(
    'nsenter',
    `--net=/run/netns/${pair.a.name}`,
    'ping',
    '-c2',
    '-i0.2',
    '-W1',
    pair.b.address4,
  );
};

describe('the cgroup', () => {
  it('is that of the socket, with the container of its path', async () => {
    const path = `/${own}/${CONTAINER}`;
    const { records, stderr } = await capture(
      ['--netns', pair.a.name, '--who', 'cgroup', '--reason', 'NETFILTER_DROP', 'icmp'],
      () => {
        ping(pair.a, pair.b.address4, 1);
        pingFromContainer();
      },
    );
    expect(records.length, stderr).toBe(3);
    expect(records[0]!.container).toBeUndefined();
    expect(records.slice(1)).toMatchObject([
      { cgroup: path, cgroup_by: 'socket', container: ID },
      { cgroup: path, cgroup_by: 'socket', container: ID },
    ]);
  });

  it('chooses packets, with what is below it, and the others when negated', async () => {
    const traffic = (): void => {
      ping(pair.a, pair.b.address4, 1);
      pingFromContainer();
    };
    const base = ['--netns', pair.a.name, 'icmp'];
    const above = await capture(['--cgroup', `/${own}`, ...base], traffic);
    expect(above.records.map(({ container }) => container)).toEqual([ID, ID]);
    expect(above.summaries[0]!.by).toMatchObject({ cgroup: 1 });
    const id = statSync(join(mount, own)).ino;
    const others = await capture(['--cgroup', `!id:${id}`, ...base], traffic);
    expect(others.records.map(({ container }) => container)).toEqual([undefined]);
    const container = await capture(['--container', ID.slice(0, 12), ...base], traffic);
    expect(container.records).toHaveLength(2);
  });

  it('that is not there is refused', async () => {
    const { status, stderr } = await runXcap(['--container', 'fedcba']);
    expect(status).toBe(1);
    expect(stderr).toContain('choosing containers: fedcba: no such one');
  });
});
