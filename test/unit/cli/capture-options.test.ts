import { describe, expect, test } from 'vitest';
import type { CaptureOptions, OutputRequest } from '../../../src/capture/options.ts';
import { captureOptions } from '../../../src/cli/capture-options.ts';
import { splitLine } from '../../../src/cli/getopt.ts';
import { Given } from '../../../src/cli/given.ts';
import { optionsOf } from '../../../src/cli/options.ts';
import { UsageError } from '../../../src/errors.ts';
import { NO_USER_C } from '../../../src/user-c/user-c.ts';

function parse(line: string, env: Record<string, string> = {}): CaptureOptions {
  const { given, words } = splitLine(
    line.split(' ').filter((word) => word !== ''),
    optionsOf('capture'),
  );
  return captureOptions(new Given(given), words, {
    env,
    readExpression: (_spelled, path) => `expression of ${path}`,
    readText: (_spelled, path) => `text of ${path}`,
    resolveDevice: (_spelled, name) => (name === '2' ? 'eth2' : name),
  });
}

function refusal(line: string): UsageError {
  try {
    parse(line);
  } catch (error) {
    if (error instanceof UsageError) return error;
    throw error;
  }
  throw new Error(`accepted: ${line}`);
}

test('captureOptions() has the defaults of the product', () => {
  expect(parse('')).toEqual({
    hooks: ['drop'],
    backend: undefined,
    exclude: [],
    maxHooks: undefined,
    loadPass: false,
    xdpActions: undefined,
    partial: false,
    rule: false,
    expression: '',
    inner: undefined,
    userC: NO_USER_C,
    optimize: true,
    interface: undefined,
    metadata: [],
    who: { owner: false, cgroup: false, follow: false },
    where: [],
    write: undefined,
    format: undefined,
    print: false,
    outputs: [{ format: 'text', path: undefined }],
    count: undefined,
    snaplen: 262144,
    ringKiB: 16384,
    durationNs: undefined,
    linkTypeOverride: undefined,
    sample: undefined,
    track: false,
    gather: undefined,
    stack: false,
    maxOverhead: undefined,
    text: {
      time: 'time',
      utc: false,
      linkHeader: false,
      verbose: 0,
      quiet: false,
      hex: 'none',
      absoluteSequence: false,
      lineBuffered: false,
      packetBuffered: false,
      color: 'auto',
    },
    dryRun: false,
    dumpFilter: 0,
    readyFile: undefined,
    cache: { directory: '/var/cache/xcap', env: {} },
    withoutFeature: [],
  } satisfies CaptureOptions);
});

describe('captureOptions() reads', () => {
  test.each<[string, Partial<CaptureOptions>]>([
    ['--hook rx,tx --hook drop,rx', { hooks: ['rx', 'tx', 'drop'] }],
    ['--backend kprobe.multi', { backend: 'kprobe-multi' }],
    ['--backend fentry', { backend: 'fentry' }],
    ['--exclude a_*,b --exclude c', { exclude: ['a_*', 'b', 'c'] }],
    ['--max-hooks 3 --partial', { maxHooks: 3, partial: true }],
    ['port 0x50 -n or icmp', { expression: 'port 0x50 or icmp' }],
    ['-F f icmp', { expression: 'expression of f' }],
    ['-i any', { interface: undefined }],
    ['-i eth0@blue', { interface: 'eth0@blue' }],
    ['-i any@blue', { interface: 'any@blue' }],
    ['-i 2', { interface: 'eth2' }],
    ['-i eth0 -i eth0', { interface: 'eth0' }],
    ['-c 5 -c 10', { count: 10 }],
    ['-s 0', { snaplen: 262144 }],
    ['-s 96', { snaplen: 96 }],
    ['-B 1', { ringKiB: 4 }],
    ['-B 1000', { ringKiB: 1024 }],
    ['-B 1024', { ringKiB: 1024 }],
    ['-B 1025', { ringKiB: 2048 }],
    ['-B 2097152', { ringKiB: 2097152 }],
    ['--duration 500ms', { durationNs: 500_000_000n }],
    ['--track --stack', { track: true, stack: true, gather: undefined }],
    ['--gather', { track: true, gather: { waitMs: undefined } }],
    ['--gather --gather-wait 500ms', { track: true, gather: { waitMs: 500 } }],
    ['--sample 1/100 --max-overhead 0.5%', { sample: 100, maxOverhead: 0.005 }],
    ['--who owner', { who: { owner: true, cgroup: false, follow: false } }],
    ['--who owner,cgroup', { who: { owner: true, cgroup: true, follow: false } }],
    ['--who all', { who: { owner: true, cgroup: true, follow: false } }],
    [
      '--cgroup a --container !b',
      {
        who: { owner: false, cgroup: true, follow: false },
        metadata: [
          { key: 'cgroup', negate: false, value: 'a' },
          { key: 'container', negate: true, value: 'b' },
        ],
      },
    ],
    ['-O', { optimize: false }],
    ['-dddd', { dumpFilter: 3 }],
    ['-y raw', { linkTypeOverride: 'RAW' }],
    ['-d -y ppp', { linkTypeOverride: 'PPP', dumpFilter: 1 }],
    ['--dry-run --ready-file f', { dryRun: true, readyFile: 'f' }],
    ['--without-feature tp-btf', { withoutFeature: ['tp-btf'] }],
  ])('%s', (line, expected) => {
    expect(parse(line)).toMatchObject(expected);
  });

  test('metadata filters, with ! for negation', () => {
    const line =
      '--pid 12 --pid !0 --tid 7 --uid 0 --comm !ping --netns inode:4026531840 --netns !self ' +
      '--reason NETFILTER_DROP --ifname eth0 --mark !0x10/0xff';
    expect(parse(line).metadata).toEqual([
      { key: 'pid', negate: false, value: 12 },
      { key: 'pid', negate: true, value: 0 },
      { key: 'tid', negate: false, value: 7 },
      { key: 'uid', negate: false, value: 0 },
      { key: 'comm', negate: true, value: 'ping' },
      { key: 'ifname', negate: false, value: 'eth0' },
      { key: 'netns', negate: false, value: 'inode:4026531840' },
      { key: 'netns', negate: true, value: 'self' },
      { key: 'reason', negate: false, value: 'NETFILTER_DROP' },
      { key: 'mark', negate: true, value: 16, mask: 255 },
    ]);
  });

  test('--where is kept as it is, each one', () => {
    expect(parse('--where mark==3&&!sk --where !pid==1 icmp')).toMatchObject({
      where: ['mark==3&&!sk', '!pid==1'],
      expression: 'icmp',
    });
    expect(refusal('--where \t').message).toContain('--where: \t: empty');
  });

  test('the text options of tcpdump', () => {
    expect(parse('-evvqSlU -tttt -xx --utc --color always').text).toEqual({
      time: 'date',
      utc: true,
      linkHeader: true,
      verbose: 2,
      quiet: true,
      hex: 'xx',
      absoluteSequence: true,
      lineBuffered: true,
      packetBuffered: true,
      color: 'always',
    });
    expect(['-t', '-tt', '-ttt', '-t -t -t -t', '-ttttt'].map((t) => parse(t).text.time)).toEqual([
      'none',
      'epoch',
      'delta',
      'date',
      'elapsed',
    ]);
    const hex = ['-x', '-X', '-XX', '-A', '-AA', '-xxXA', '-Ax'].map((x) => parse(x).text.hex);
    expect(hex).toEqual(['x', 'X', 'XX', 'A', 'AA', 'X', 'x']);
  });

  test('NO_COLOR and TERM=dumb, which an explicit --color overrides', () => {
    expect(parse('', { NO_COLOR: '1' }).text.color).toBe('never');
    expect(parse('', { NO_COLOR: '' }).text.color).toBe('auto');
    expect(parse('', { TERM: 'dumb' }).text.color).toBe('never');
    expect(parse('--color always', { NO_COLOR: '1' }).text.color).toBe('always');
  });
});

describe('captureOptions() sends', () => {
  const text: OutputRequest = { format: 'text', path: undefined };
  const json: OutputRequest = { format: 'json', path: undefined };
  test.each<[string, OutputRequest[]]>([
    ['-w f', [{ format: 'pcapng', path: 'f' }]],
    ['-w f.pcap', [{ format: 'pcap', path: 'f.pcap' }]],
    ['-w f.pcapng', [{ format: 'pcapng', path: 'f.pcapng' }]],
    ['-w -', [{ format: 'pcapng', path: undefined }]],
    ['-w - --format pcap', [{ format: 'pcap', path: undefined }]],
    ['-w f --print', [{ format: 'pcapng', path: 'f' }, text]],
    ['-w f --format text', [{ format: 'pcapng', path: 'f' }, text]],
    ['-w f --json', [{ format: 'pcapng', path: 'f' }, json]],
    ['-w f.pcap --format json', [{ format: 'pcap', path: 'f.pcap' }, json]],
    ['-w f.pcap --format pcapng --print', [{ format: 'pcapng', path: 'f.pcap' }, text]],
    ['--format pcapng', [{ format: 'pcapng', path: undefined }]],
    ['--json', [json]],
    ['--format text', [text]],
    ['--print', [text]],
  ])('%s', (line, outputs) => {
    expect(parse(line).outputs).toEqual(outputs);
  });

  test.each(['-w - --print', '-w - --json', '--json --print', '--format pcap --print'])(
    'never two to standard output: %s',
    (line) => {
      expect(refusal(line).message).toMatch(/standard output: asked for \w+ and \w+ at once$/);
    },
  );
});

describe('captureOptions() refuses with a remedy', () => {
  test.each([
    ['--hook rx,', '--hook: rx,: a name is empty'],
    ['-i @blue', '-i: @blue: a name is empty'],
    ['-i eth0@', '-i: eth0@: a name is empty'],
    ['-i averyveryverylongname', '-i: averyveryverylongname: the kernel keeps 15 bytes'],
    ['-i eth0 -i eth1', '-i: given twice: eth0 and eth1'],
    ['-w a -w b', '-w: given twice: a and b'],
    ['-c 0', '-c: 0: out of range'],
    ['-c ten', '-c: ten: not a decimal number'],
    ['-s 262145', '-s: 262145: out of range'],
    ['-B 0', '-B: 0: out of range'],
    ['-B 2097153', '-B: 2097153: out of range'],
    ['--pid x', '--pid: x: not a decimal number'],
    ['--pid !', "--pid: '': not a decimal number"],
    ['--pid 4194305', '--pid: 4194305: out of range'],
    ['--tid 1,2', '--tid: 1,2: one number at a time'],
    ['--uid 4294967295', '--uid: 4294967295: out of range'],
    ['--netns=', "--netns: '': empty"],
    ['--reason !', "--reason: '': empty"],
    ['-tttttt', '-t: given more than five times'],
    ['--gather-wait 1s', '--gather-wait: nothing is gathered'],
    ['-y BOGUS', '-y: BOGUS: no such link type'],
    ['-y PPP', '-y: PPP: no packet is traced with this link type'],
  ])('%s', (line, message) => {
    const error = refusal(line);
    expect(error.message).toContain(`reading the command line: ${message}`);
    expect(error.hint).toBeTruthy();
    expect(error.exitCode).toBe(1);
  });
});
