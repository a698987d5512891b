import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { HookMap } from '../../src/bpf/hook-map.ts';
import { BpfFs, HookedDevice } from '../support/hook-map.ts';
import { proved } from '../support/hook-table.ts';
import { kernel } from '../support/kernel-features.ts';
import { NetnsPair, type Netns } from '../support/netns.ts';
import { ethernet, filler, ipv4, udp } from '../support/packets.ts';
import { capture, runXcap, Tracer, type JsonRecord } from '../support/tracer.ts';
import { sendFrames } from '../support/traffic.ts';

const ACTIONS = ['ABORTED', 'DROP', 'PASS', 'TX', 'REDIRECT'];
/** How many frames get each verdict. */
const COUNTS = [3, 2, 4, 1, 1];

let pair: NetnsPair;
let fs: BpfFs;
beforeAll(() => {
  pair = new NetnsPair();
  fs = new BpfFs();
});
afterAll(() => {
  fs.dispose();
  pair.dispose();
});

let pins = 0;
const running: HookedDevice[] = [];
let pin: string;
beforeEach(() => {
  pin = join(fs.path, `hook${pins++}`);
});
afterEach(async () => {
  for (const device of running.splice(0)) await device.stop();
});

/** A hooked device that goes with the test. */
async function hooked(
  at: Netns,
  mode: 'generic' | 'native',
  ...options: readonly string[]
): Promise<HookedDevice> {
  const device = await HookedDevice.start(at, mode, pin, ...options);
  running.push(device);
  return device;
}

/** A datagram that gets this verdict. */
function frame(from: Netns, to: Netns, action: number, payloadBytes = 20): Uint8Array {
  const ends = { src: from.address4, dst: to.address4 };
  const datagram = udp({ sport: 7, dport: 7000 + action }, filler(payloadBytes), ends);
  return ethernet(0x0800, ipv4({ ...ends, protocol: 17 }, datagram), {
    src: from.mac,
    dst: to.mac,
  });
}

function sendAll(from: Netns, to: Netns): void {
  COUNTS.forEach((count, action) => {
    sendFrames(from, [frame(from, to, action)], { count });
  });
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

function verdicts(records: readonly JsonRecord[]): readonly number[] {
  return ACTIONS.map((name) => records.filter(({ verdict }) => verdict === name).length);
}

/** Names of the programs in the map, by entry. */
function entries(path: string): readonly (string | undefined)[] {
  using map = HookMap.open(path);
  return Array.from({ length: map.facts.maxEntries }, (_, action) => map.programIn(action)?.name);
}

const EMPTY = ACTIONS.map(() => undefined);

describe.each([
  ['generic', []],
  ['native', ['typed']],
] as const)('a hook map in %s mode', (mode, options) => {
  it('tells each verdict, and is empty afterwards', async () => {
    await hooked(pair.b, mode, ...options);
    const { records, summaries, stderr, status } = await capture(
      ['--hook', `xdpmap:${pin}`, '--netns', pair.b.name, 'udp'],
      () => {
        sendAll(pair.a, pair.b);
        // Passed, and not matched.
        sendFrames(pair.a, [ethernet(0x88b5, filler(46), { src: pair.a.mac, dst: pair.b.mac })]);
      },
    );
    expect(status).toBe(0);
    expect(verdicts(records)).toEqual(COUNTS);
    for (const record of records) {
      const action = ACTIONS.indexOf(record.verdict ?? '');
      const expected = frame(pair.a, pair.b, action);
      expect(record).toMatchObject({
        ...{ hook: `xdpmap:${pin}`, iface: pair.b.device, netns: pair.b.inode, queue: 0 },
        ...{ context: 'softirq', len: expected.length, packet: hex(expected) },
      });
    }
    expect(summaries).toEqual([
      expect.objectContaining({
        ...{ hook: `xdpmap:${pin}`, seen: 12, by: { filter: 1 }, matched: 11, written: 11 },
        ...{ lost: 0, missed: 0 },
      }),
    ]);
    expect(entries(pin)).toEqual(EMPTY);
    proved(mode === 'native' ? 'xdpMapNative' : 'xdpMapGeneric', stderr);
  });
});

it('asks for some actions only, of a map without redirect', async () => {
  await hooked(pair.b, 'native', 'entries=4');
  const { records } = await capture(['--hook', `xdpmap:${pin}`, '--actions', 'DROP,0x3'], () => {
    expect(entries(pin)).toEqual([undefined, 'xcap_xdp_drop', undefined, 'xcap_xdp_tx']);
    sendAll(pair.a, pair.b);
  });
  expect(verdicts(records)).toEqual([0, 2, 0, 1, 0]);
});

it('takes two maps in one run', async () => {
  await hooked(pair.b, 'native', 'typed');
  const first = pin;
  pin = join(fs.path, 'second');
  await hooked(pair.a, 'generic');
  const hooks = [`xdpmap:${first}`, `xdpmap:${pin}`] as const;
  const { records, summaries } = await capture(
    ['--hook', hooks.join(','), 'udp and dst port (7001 or 7002)'],
    () => {
      sendAll(pair.a, pair.b);
      sendFrames(pair.b, [frame(pair.b, pair.a, 1)], { count: 5 });
    },
  );
  expect(hooks.map((hook) => verdicts(records.filter((record) => record.hook === hook)))).toEqual([
    [0, 2, 4, 0, 0],
    // What the first sent back (XDP_TX) asks for neither port.
    [0, 5, 0, 0, 0],
  ]);
  expect(summaries.map(({ hook }) => hook)).toEqual(hooks);
});

it.skipIf(!kernel.xdpFrags)('has all bytes of a packet of several buffers', async () => {
  const mtu = (bytes: number): void => {
    for (const end of [pair.a, pair.b]) {
      end.exec('ip', 'link', 'set', end.device, 'mtu', String(bytes));
    }
  };
  mtu(9000);
  try {
    await hooked(pair.b, 'native', 'typed', 'frags');
    const large = frame(pair.a, pair.b, 1, 8000);
    const { records, stderr } = await capture(
      [
        '--hook',
        `xdpmap:${pin}`,
        'udp and greater 8000 and ether[8000] = 0x' + hex(large.slice(8000, 8001)),
      ],
      () => {
        sendFrames(pair.a, [large], { count: 2 });
      },
    );
    expect(stderr).toContain('its programs take packets of several buffers');
    expect(records.map(({ len, packet }) => [len, packet])).toEqual([
      [large.length, hex(large)],
      [large.length, hex(large)],
    ]);
    for (const device of running.splice(0)) await device.stop();
  } finally {
    mtu(1500);
  }
});

describe('an xcap that was killed', () => {
  it('is cleaned up after by the next, whatever that asks for', async () => {
    await hooked(pair.b, 'native');
    const killed = await Tracer.start(['--json', '--hook', `xdpmap:${pin}`]);
    await killed.stop('SIGKILL');
    expect(entries(pin).every((name) => name?.startsWith('xcap_'))).toBe(true);
    const { records, stderr } = await capture(
      ['--hook', `xdpmap:${pin}`, '--actions', 'drop'],
      () => {
        expect(entries(pin).map((name) => name !== undefined)).toEqual([
          ...[false, true, false, false, false],
        ]);
        sendAll(pair.a, pair.b);
      },
    );
    expect(stderr).toContain(
      'removed what an xcap that was killed had left there: aborted, drop, pass, tx, redirect\n',
    );
    expect(verdicts(records)).toEqual([0, 2, 0, 0, 0]);
    expect(entries(pin)).toEqual(EMPTY);
  });
});

describe('a hook map that is in use', () => {
  it('is left alone by a second xcap, which says who has it', async () => {
    await hooked(pair.b, 'generic');
    const tracer = await Tracer.start(['--json', '--hook', `xdpmap:${pin}`, '--actions', 'pass']);
    const before = entries(pin);
    const second = await runXcap(['--hook', `xdpmap:${pin}`]);
    expect(second.status).toBe(4);
    expect(second.stderr).toMatch(
      /^xcap: hooking xdpmap:\S+: pass: another xcap captures there \(process \d+\)\n {2}end it/,
    );
    expect(entries(pin)).toEqual(before);
    await tracer.stop();
    expect(entries(pin)).toEqual(EMPTY);
  });

  it('is not taken twice in one run', async () => {
    await hooked(pair.b, 'generic');
    const again = pin.replace(/\/(?=[^/]*$)/, '/./');
    const { status, stderr } = await runXcap(['--hook', `xdpmap:${pin},xdpmap:${again}`]);
    expect(stderr).toMatch(`hooking xdpmap:${again}: another hook of this run is the same map\n`);
    expect(status).toBe(1);
    expect(entries(pin)).toEqual(EMPTY);
  });

  it("is left alone when it has somebody else's program", async () => {
    await hooked(pair.b, 'generic', 'foreign=2');
    const { status, stderr } = await runXcap(['--hook', `xdpmap:${pin}`]);
    expect(status).toBe(4);
    expect(stderr).toMatch(
      /^xcap: hooking xdpmap:\S+: pass: program \d+ \(somebodys\) is there already, and not xcap's\n/,
    );
    expect(entries(pin)).toEqual([undefined, undefined, 'somebodys', undefined, undefined]);
  });
});

describe('what is no hook map', () => {
  it.each([
    ['map=2', 4, /hooking \S+: it is a map of array, keys of 4 bytes.*\n.*BPF_MAP_TYPE_PROG_ARRAY/],
    ['unused', 4, /hooking \S+: no program uses this map yet\n/],
    ['entries=9', 4, /hooking \S+: 9 entries: a hook has 5.*\n.*--actions/],
  ])('is refused: %s', async (option, expected, message) => {
    await hooked(pair.b, 'generic', option);
    const { status, stderr } = await runXcap(['--hook', `xdpmap:${pin}`]);
    expect(stderr).toMatch(message);
    expect(status).toBe(expected);
  });

  it('is refused: a path where nothing is pinned', async () => {
    for (const [path, why] of [
      [pin, 'no such file'],
      ['/etc/passwd', 'it is not in a BPF file system'],
    ]) {
      const { status, stderr } = await runXcap(['--hook', `xdpmap:${path ?? ''}`]);
      expect(stderr).toMatch(`opening hook map ${path ?? ''}: ${why ?? ''}\n`);
      expect(status).toBe(1);
    }
  });
});

describe('xcap xdpcap', () => {
  const script = join(import.meta.dirname, '../../scripts/xcap');

  it('counts and writes as xdpcap does', async () => {
    await hooked(pair.b, 'native', 'typed');
    const folder = mkdtempSync(join(tmpdir(), 'xcap-xdpcap-'));
    const file = join(folder, 'out.pcapng');
    // udp port 7001 or 7002: the port at its place behind an IP header of 20 bytes.
    const program = '5,40 0 0 36,21 1 0 7001,21 0 1 7002,6 0 0 65535,6 0 0 0,';
    const child = spawn(script, [
      'xdpcap',
      '-actions',
      'tx,Drop,2',
      pin,
      file,
      ...program.split(' '),
    ]);
    let lines: string[] = [];
    let text = '';
    const done = new Promise<number | null>((resolve) => child.once('close', resolve));
    const counted = (line: string): Promise<void> =>
      new Promise((resolve) => {
        child.stderr.on('data', () => {
          if (lines.includes(line)) resolve();
        });
      });
    child.stderr.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      lines = text.split('\n');
    });
    try {
      await Promise.race([
        done,
        counted('tx: 0/0\tdrop: 0/0\tpass: 0/0\t(received/matched packets)\tlost: 0'),
      ]);
      sendAll(pair.a, pair.b);
      await Promise.race([
        done,
        counted('tx: 1/0\tdrop: 2/2\tpass: 4/4\t(received/matched packets)\tlost: 0'),
      ]);
      child.kill('SIGTERM');
      expect(await done).toBe(0);
      expect(lines.at(-2)).toBe(
        'tx: 1/0\tdrop: 2/2\tpass: 4/4\t(received/matched packets)\tlost: 0',
      );
      expect(lines.filter((line) => line !== '' && !/\tlost: 0$/.test(line))).toEqual([]);
      const { stdout } = spawnSync(
        'tshark',
        ['-r', file, '-T', 'fields', '-e', 'frame.interface_name', '-e', 'udp.dstport'],
        { encoding: 'utf8' },
      );
      expect(stdout.trim().split('\n')).toEqual([
        ...Array.from({ length: 2 }, () => 'XDPdrop\t7001'),
        ...Array.from({ length: 4 }, () => 'XDPpass\t7002'),
      ]);
      expect(entries(pin)).toEqual(EMPTY);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('ends with the statuses of xdpcap', async () => {
    const file = join(tmpdir(), `xcap-xdpcap-${process.pid}`);
    const status = async (...args: string[]): Promise<number | null> =>
      (await runXcap(['xdpcap', ...args])).status;
    expect(await status('-h')).toBe(0);
    expect(await status(pin)).toBe(1);
    expect(await status(pin, file, 'no such expression')).toBe(1);
    expect(await status(pin, file)).toBe(2);
    expect(readFileSync(file)).toHaveLength(0);
    rmSync(file);
  });
});

const has = (program: string): boolean =>
  spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;

describe.skipIf(!has('clang') || !has('bpftool'))('templates/xcap_hook.h', () => {
  const root = join(import.meta.dirname, '../..');
  const run = (program: string, ...args: string[]): void => {
    const { status, stderr } = spawnSync(program, args, { cwd: root, encoding: 'utf8' });
    if (status !== 0) throw new Error(`${program}: ${stderr}`);
  };

  it('makes a program with a hook that xcap attaches to', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'xcap-hook-'));
    const object = join(folder, 'example.o');
    const maps = join(fs.path, 'maps');
    mkdirSync(maps);
    try {
      const { stdout: machine } = spawnSync('uname', ['-m'], { encoding: 'utf8' });
      run(
        'clang',
        ...['-O2', '-g', '-Wall', '-Wextra', '-Werror', '-target', 'bpf', '-I', 'templates'],
        ...['-I', `/usr/include/${machine.trim()}-linux-gnu`],
        ...['-c', 'docs/examples/xdp-hook.bpf.c', '-o', object],
      );
      run('bpftool', 'prog', 'load', object, join(fs.path, 'ex'), 'type', 'xdp', 'pinmaps', maps);
      const path = join(maps, 'xcap_hook');
      expect(existsSync(path)).toBe(true);
      const { summaries, status } = await capture(['--hook', `xdpmap:${path}`], () => {
        expect(entries(path).every((name) => name?.startsWith('xcap_'))).toBe(true);
      });
      expect([status, summaries.length]).toEqual([0, 1]);
    } finally {
      rmSync(folder, { recursive: true });
      rmSync(join(fs.path, 'ex'), { force: true });
      rmSync(maps, { recursive: true, force: true });
    }
  });
});
