import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NetnsPair } from '../support/netns.ts';
import { capture, parseJsonLines, runXcap } from '../support/tracer.ts';
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
      ['--netns', pair.a.name, '--who', 'cgroup', 'icmp'],
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
    const inside = await capture(['--container', ID.slice(0, 12), ...base], traffic);
    expect(inside.records.map(({ container }) => container)).toEqual([ID, ID]);
    expect(inside.summaries[0]!.by).toMatchObject({ cgroup: 1 });
    const id = statSync(join(mount, own)).ino;
    const others = await capture(['--cgroup', `!id:${id}`, ...base], traffic);
    expect(others.records.map(({ container }) => container)).toEqual([undefined]);
  });

  it('that is not there is refused', async () => {
    const { status, stderr } = await runXcap(['--container', 'fedcba']);
    expect(status).toBe(1);
    expect(stderr).toContain('choosing containers: fedcba: no such one');
  });
});

/** As `nsenter` runs something in the first namespace. */
const inside = (...command: readonly string[]): readonly string[] => [
  ...['nsenter', `--net=/run/netns/${pair.a.name}`],
  ...command,
];

describe('the process of a socket', () => {
  const PORT = 7777;
  const SERVER = `require('net').createServer((s) => s.end('hello')).listen(${PORT}, '127.0.0.1', () => console.log('up'))`;
  const SYN_ACK = 0x12;
  let server: ChildProcess;

  beforeAll(async () => {
    const [program = '', ...args] = inside(process.execPath, '-e', SERVER);
    server = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(server.stdout!, 'data');
  });
  afterAll(() => {
    server.kill();
  });

  it('is told and matched in softirqs too, of sockets from before and after the start', async () => {
    const connect = (): void => {
      const [program = '', ...args] = inside('bash', '-c', `cat </dev/tcp/127.0.0.1/${PORT}`);
      expect(spawnSync(program, args, { encoding: 'utf8' }).stdout).toBe('hello');
    };
    const base = ['--netns', pair.a.name, '--hook', 'tx', '--who', 'owner', `tcp port ${PORT}`];
    const all = await capture(base, connect);
    // Behind addresses and IPv4 header: source port, and flags.
    const port = (packet: string): number => parseInt(packet.slice(68, 72), 16);
    const flags = (packet: string): number => parseInt(packet.slice(94, 96), 16);
    const [syn, answer] = all.records;
    expect(syn).toMatchObject({ owner_pid: syn!.pid, owner_comm: 'bash' });
    expect(['create', 'connect']).toContain(syn!.owner_by);
    expect(flags(answer!.packet)).toBe(SYN_ACK);
    const comm = readFileSync(`/proc/${server.pid}/comm`, 'utf8').trim();
    expect(answer).toMatchObject({ context: 'softirq', owner_pid: server.pid, owner_comm: comm });
    const hello = all.records.find(({ packet }) => packet.endsWith('68656c6c6f'));
    expect(hello).toMatchObject({ owner_pid: server.pid });
    expect(['accept', 'listener']).toContain(hello!.owner_by);

    const its = await capture(['--pid', String(server.pid), ...base], connect);
    expect(its.records.length).toBeGreaterThan(1);
    expect(its.records.every(({ packet }) => port(packet) === PORT)).toBe(true);
    expect(flags(its.records[0]!.packet)).toBe(SYN_ACK);
    expect(its.stderr).not.toContain('no room');
  });
});

describe('xcap -- COMMAND', () => {
  it('traces the command and what comes of it from the first packet to its end', async () => {
    const others = spawn('nsenter', inside('ping', '-q', '-i0.1', pair.b.address4).slice(1), {
      stdio: 'ignore',
    });
    try {
      const script = 'echo begins; (ping -c2 -i0.2 -W1 "$0" >/dev/null); exit 7';
      const { status, stdout, stderr } = await runXcap([
        ...['--json', '--netns', pair.a.name, 'icmp', '--'],
        ...inside('sh', '-c', script, pair.b.address4),
      ]);
      expect(status, stderr).toBe(7);
      expect(stdout).toMatch(/^begins$/m);
      const records = parseJsonLines(
        stdout
          .split('\n')
          .filter((line) => line.startsWith('{'))
          .join('\n'),
      );
      expect(records.map(({ comm }) => comm)).toEqual(['ping', 'ping']);
      expect(new Set(records.map(({ pid }) => pid)).size).toBe(1);
      expect(records[0]!.pid).not.toBe(others.pid);
    } finally {
      others.kill();
    }
  });

  it('starts nothing that cannot be traced', async () => {
    const { status, stdout } = await runXcap(['--hook', 'nonsuch', '--', 'echo', 'begins']);
    expect([status, stdout]).toEqual([1, '']);
    const unknown = await runXcap(['--', 'icmp']);
    expect(unknown.status).toBe(1);
    expect(unknown.stderr).toContain('starting icmp: no such command');
  });
});
