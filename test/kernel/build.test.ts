import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { writeFileSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createProber } from '../../src/bpf/probes.ts';
import { Btf } from '../../src/btf/btf.ts';
import { decodeBuilt, encodeBuilt } from '../../src/capture/built-file.ts';
import type { BuiltProgram } from '../../src/capture/built-program.ts';
import { liftMemlockLimit } from '../../src/ffi/libc.ts';
import { assumeFeatures } from '../../src/kernel/assumed-features.ts';
import { FEATURES, type FeatureId } from '../../src/kernel/features.ts';
import { kernel } from '../support/kernel-features.ts';
import { NetnsPair } from '../support/netns.ts';
import { capture, runXcap, type Captured } from '../support/tracer.ts';
import { ping } from '../support/traffic.ts';

const PINGS = 20;
const VMLINUX = '/sys/kernel/btf/vmlinux';
const checkout = join(import.meta.dirname, '../..');

let pair: NetnsPair;
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'xcap-build-'));
  pair = new NetnsPair();
  pair.b.iptables('-A', 'INPUT', '-p', 'icmp', '-j', 'DROP');
});
afterAll(() => {
  pair.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const fileOf = (name: string): string => join(folder, name);
const read = (path: string): BuiltProgram => decodeBuilt(readFileSync(path), path);

async function build(name: string, ...args: string[]): Promise<string> {
  const path = fileOf(name);
  const { status, stdout, stderr } = await runXcap(['build', ...args, '-o', path]);
  expect(status, stderr).toBe(0);
  expect(stdout).toBe('');
  expect(stderr).toContain('xcap: built for Linux ');
  return path;
}

function library(name: string): string {
  for (const directory of ['/usr/lib/x86_64-linux-gnu', '/lib/x86_64-linux-gnu']) {
    const path = join(directory, name);
    if (existsSync(path)) return realpathSync(path);
  }
  throw new Error(`no ${name}`);
}

/** xcap in a mount namespace of its own, where both libraries are empty files. */
function withoutLibraries(): readonly [string, ...string[]] {
  const hide = ['libbcc.so.0', 'libpcap.so.0.8'].map(
    (name) => `mount --bind /dev/null ${library(name)}; `,
  );
  const script = `${hide.join('')}exec "$@"`;
  const program = join(checkout, 'dist/main.cjs');
  return ['unshare', '--mount', '--', 'sh', '-euc', script, 'sh', process.execPath, program];
}

/** Runs a built capture of dropped pings; every process of Node that takes part writes its script down. */
async function run(path: string, ...args: string[]): Promise<Captured & { scripts: string[] }> {
  const log = fileOf('processes');
  const witness = fileOf('witness.cjs');
  writeFileSync(log, '');
  writeFileSync(
    witness,
    `require('node:fs').appendFileSync(${JSON.stringify(log)}, process.argv[1] + '\\n');`,
  );
  const captured = await capture(
    ['--run', path, ...args],
    () => void ping(pair.a, pair.b.address4, PINGS),
    { XCAP_CACHE: 'off', NODE_OPTIONS: `--require=${witness}` },
    withoutLibraries(),
  );
  return { ...captured, scripts: readFileSync(log, 'utf8').trimEnd().split('\n') };
}

/** The packets, without what differs from ping to ping: IP id, checksums, ICMP id and its payload's time. */
const shapes = ({ records }: Captured): unknown[] =>
  records.map((record) => ({
    ...{ hook: record.hook, iface: record.iface, netns: record.netns, reason: record.reason },
    ...{ location: record.location, context: record.context, len: record.len },
    caplen: record.caplen,
    ethernet: record.packet.slice(0, 28),
    addresses: record.packet.slice(52, 72),
    sequence: record.packet.slice(80, 84),
    pattern: record.packet.slice(132),
  }));

describe('a built program', () => {
  it('runs without compiler and libpcap, and gives what a capture gives', async () => {
    const path = await build('drop.xcap', '--netns', 'later', '-s', '90', 'icmp');
    const built = await run(path, '--netns', pair.b.name);
    expect(built.status, built.stderr).toBe(0);
    expect(built.scripts.map((script) => script.replace(/^.*\//, ''))).toEqual(['main.cjs']);
    expect(built.summaries[0]).toMatchObject({
      matched: PINGS,
      written: PINGS,
      lost: 0,
      missed: 0,
    });
    expect(built.records).toHaveLength(PINGS);

    const direct = await capture(
      ['--netns', pair.b.name, '-s', '90', 'icmp'],
      () => void ping(pair.a, pair.b.address4, PINGS),
    );
    expect(direct.status, direct.stderr).toBe(0);
    expect(shapes(built)).toEqual(shapes(direct));
  });

  it('runs in another namespace, for a device, at several hooks, with conditions on places', async () => {
    const path = await build(
      'hooks.xcap',
      ...['--hook', 'drop,rx', '-i', 'any0@nowhere', 'icmp[icmptype] == icmp-echo'],
      ...['--where', 'hook == rx || !(location == ip_rcv)'],
    );
    const device = `${pair.b.device}@${pair.b.name}`;
    const { status, stderr, records } = await run(path, '-i', device, '-c', String(2 * PINGS));
    expect(status, stderr).toBe(0);
    const hooks = records.map(({ hook }) => hook);
    expect(hooks.filter((hook) => hook === 'drop')).toHaveLength(PINGS);
    expect(hooks.filter((hook) => hook === 'rx')).toHaveLength(PINGS);
  });

  it('has user C in it', async () => {
    const source = fileOf('mine.c');
    writeFileSync(
      source,
      'static inline int xcap_ext_filter(void *ext, void *pkt, u16 trace_index)\n{\n\treturn 0;\n}\n',
    );
    const path = await build('user.xcap', '--netns', 'x', '--filter-c', source, 'icmp');
    rmSync(source);
    const { status, stderr, summaries } = await run(path, '--netns', pair.b.name);
    expect(status, stderr).toBe(0);
    expect(summaries[0]?.matched).toBe(0);
    expect(Object.values(summaries[0]?.by ?? {}).reduce((sum, count) => sum + count, 0)).toBe(
      summaries[0]?.seen,
    );
  });

  it.runIf(kernel.fentry && kernel.hasFunction('icmp_rcv'))(
    'hooks functions where they are here',
    async () => {
      const path = await build('function.xcap', '--netns', 'x', '--hook', 'ip_rcv', 'icmp');
      const { status, stderr, records } = await run(path, '--netns', pair.b.name);
      expect(status, stderr).toBe(0);
      expect(records).toHaveLength(PINGS);
    },
  );

  it('names nothing of the host that it was built on', async () => {
    const text = readFileSync(await build('plain.xcap', 'tcp port 80'), 'utf8');
    expect(text).not.toContain(checkout);
    expect(text).not.toMatch(/"\//);
    expect(readFileSync(await build('again.xcap', 'tcp port 80'), 'utf8')).toBe(text);
  });
});

describe('a built program is refused, in a line and what to do,', () => {
  let good = '';
  beforeAll(async () => {
    good = await build('good.xcap', '--netns', 'x', 'icmp');
  });

  const rewritten = (name: string, change: (built: BuiltProgram) => BuiltProgram): string => {
    writeFileSync(fileOf(name), encodeBuilt(change(read(good))));
    return fileOf(name);
  };

  it.each<[string, number, RegExp, () => string]>([
    [
      'when it is damaged',
      5,
      /damaged: its checksum differs$/,
      () => {
        const bytes = readFileSync(good);
        bytes[bytes.length - 100] = (bytes[bytes.length - 100] ?? 0) ^ 1;
        writeFileSync(fileOf('damaged.xcap'), bytes);
        return fileOf('damaged.xcap');
      },
    ],
    [
      'on another release',
      4,
      /built for Linux 9\.9\.9 \(x64\), this is Linux \d+\.\d+/,
      () =>
        rewritten('release.xcap', (built) => ({
          ...built,
          kernel: { ...built.kernel, release: '9.9.9' },
        })),
    ],
    [
      'on a kernel with other types',
      4,
      /with BTF 0{12}, this one's BTF is [0-9a-f]{12}$/,
      () =>
        rewritten('btf.xcap', (built) => ({
          ...built,
          kernel: { ...built.kernel, btf: '0'.repeat(64) },
        })),
    ],
    [
      'on a kernel that can do other things',
      4,
      /it needs what is not here|built for a kernel without/,
      () =>
        rewritten('ability.xcap', (built) => ({
          ...built,
          abilities: built.abilities.map(({ id, has }) => ({ id, has: !has })),
        })),
    ],
    [
      'when its C would be another',
      4,
      /this system needs another program than the one that it was built on$/,
      () =>
        rewritten('text.xcap', (built) => ({
          ...built,
          options: { ...built.options, snaplen: 1000 },
        })),
    ],
    [
      'when it lacks what libpcap would say',
      5,
      /not sound: lacks an expression$/,
      () => rewritten('expressions.xcap', (built) => ({ ...built, expressions: [] })),
    ],
    [
      'when its instructions ask for what is not there',
      5,
      /not sound: instruction 0 loads an unknown map$/,
      () =>
        rewritten('insns.xcap', (built) => {
          // A load of map 255 and an end, where the program was.
          const insns = Buffer.from(
            '18110000ff00a97c' + '0000000000000000' + '9500000000000000',
            'hex',
          );
          return { ...built, insns: built.insns.map(() => insns.toString('base64')) };
        }),
    ],
    [
      'when the verifier would not have it',
      4,
      /^xcap: loading/,
      () =>
        rewritten('exit.xcap', (built) => ({
          ...built,
          // exit, with no value in r0
          insns: built.insns.map(() => Buffer.from('9500000000000000', 'hex').toString('base64')),
        })),
    ],
  ])('%s', async (_when, code, message, make) => {
    const { status, stdout, stderr } = await runXcap([
      ...['--run', make(), '--netns', pair.b.name, '--duration', '100ms'],
    ]);
    expect(status, stderr).toBe(code);
    expect(stdout).toBe('');
    expect(stderr.split('\n')[0]).toMatch(message);
  });
});

describe('another kernel, of which release and types are known,', () => {
  liftMemlockLimit();
  const btf = Btf.parse(readFileSync(VMLINUX));
  const probed = createProber(btf);
  const features = assumeFeatures({ btf, release: release(), arch: process.arch });
  const ids = Object.keys(FEATURES) as FeatureId[];
  /** What this kernel lacks, or its administrator forbids, of what its types promise. */
  const wrong = ids.filter((id) => {
    const answer = probed(id);
    return typeof answer === 'string' && answer !== features.prober(id);
  });

  it('can do what its types say: of this one only assumptions are wrong', () => {
    expect(features.assumed(wrong)).toEqual(wrong);
  });

  it('gets the very program that it would build itself', async () => {
    const without = wrong
      .filter((id) => features.prober(id) === 'yes')
      .flatMap((id) => ['--without-feature', id]);
    const args = ['--netns', 'x', ...without, '--hook', 'drop,rx', 'tcp port 80'];
    const here = await build('here.xcap', ...args);
    const there = await build('there.xcap', ...args, '--btf', VMLINUX, '--release', release());
    expect(read(there).units).toEqual(read(here).units);
    expect(read(there).insns).toEqual(read(here).insns);
    expect(read(there).kernel).toEqual(read(here).kernel);
  });
});
