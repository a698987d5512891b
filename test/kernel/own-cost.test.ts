import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { returning } from '../../src/bpf/insn.ts';
import { ATTACH_TYPE, BpfProgram, PROG_TYPE } from '../../src/bpf/program.ts';
import { Attr, BPF_CMD } from '../../src/bpf/syscall.ts';
import { kernel } from '../support/kernel-features.ts';
import { NetnsPair } from '../support/netns.ts';
import { descriptorTexts } from '../support/proc.ts';
import { capture, parseSummaries, Tracer, type Summary } from '../support/tracer.ts';
import { buildSender, sendDatagrams } from '../support/traffic.ts';

const COUNT = 500;
/** Many enough that chance is told from an error; see the bounds below. */
const SAMPLED = process.env['XCAP_GUEST'] === undefined ? 8000 : 2000;
/** More than any run costs, emulated ones too. */
const MOST_NS = 1e7;

let pair: NetnsPair;
beforeAll(() => {
  pair = new NetnsPair();
  pair.b.iptables('-A', 'INPUT', '-p', 'udp', '--dport', '9', '-j', 'DROP');
});
afterAll(() => {
  pair.dispose();
});

const args = (...more: string[]): string[] => ['--netns', pair.b.name, ...more, 'udp port 9'];
const send = (count: number): number =>
  sendDatagrams(pair.a, { to: pair.b.address4, port: 9, payload: 'x'.repeat(40), count });

interface Cost {
  readonly nsPerRun: number;
  readonly runs: number;
}

/** The lines of programs, by hook. */
function parseCosts(stderr: string): ReadonlyMap<string, Cost> {
  const lines = stderr.matchAll(/^xcap: (.+): cost: (\d+) ns per run, (\d+) runs/gm);
  return new Map(
    [...lines].map(([, hook = '', ns, runs]) => [
      hook,
      { nsPerRun: Number(ns), runs: Number(runs) },
    ]),
  );
}

/** The sums of README. */
function expectSums(summary: Summary | undefined): Summary {
  expect(summary).toBeDefined();
  const { seen, skipped, rejected, matched, sampledOut, written, lost, left } = summary!;
  expect(seen).toBe(skipped + rejected + matched);
  expect(matched).toBe(sampledOut + written + lost + left);
  return summary!;
}

/** Each run ends in a count; what is missed may never have got to the program. */
function expectRuns(cost: Cost | undefined, summaries: readonly Summary[]): void {
  const seen = summaries.reduce((sum, each) => sum + each.seen, 0);
  const missed = summaries.reduce((sum, each) => sum + each.missed, 0);
  expect(cost?.runs).toBeGreaterThanOrEqual(seen);
  expect(cost?.runs).toBeLessThanOrEqual(seen + missed);
}

describe('-v', () => {
  it('tells what each program and the reader cost, at the end and at SIGUSR1', async () => {
    const tracer = await Tracer.start(['-v', '-w', '/dev/null', ...args()]);
    send(COUNT);
    tracer.child.kill('SIGUSR1');
    await new Promise((resolve) => setTimeout(resolve, 500));
    const { stderr, status } = await tracer.stop();
    expect(status, stderr).toBe(0);
    expect(stderr.match(/^xcap: drop: cost: /gm)).toHaveLength(2);
    const summary = expectSums(parseSummaries(stderr).at(-1));
    expect(summary).toMatchObject({ matched: COUNT, written: COUNT, missed: 0 });
    const { runs, nsPerRun } = parseCosts(stderr).get('drop')!;
    expect(runs).toBe(summary.seen);
    expect(nsPerRun).toBeGreaterThan(10);
    expect(nsPerRun).toBeLessThan(MOST_NS);
    const [, share, memory] =
      /^xcap: reader: cost: .* \(([\d.]+) % of one CPU\) after [\d.]+ m?s to start, ([\d.]+) MiB resident/m.exec(
        stderr,
      )!;
    expect(Number(share)).toBeGreaterThan(0);
    expect(Number(memory)).toBeGreaterThan(20);
    expect(Number(memory)).toBeLessThan(300);
  });

  it('is needed for that: without it nothing is measured', async () => {
    const { stderr } = await capture(args(), () => void send(1));
    expect(stderr).not.toContain('cost');
  });
});

/** Whether the kernel counts the runs of BPF programs: of one that does nothing. */
function isMeasuring(): boolean {
  const spec = { name: 'xcap_idle', type: PROG_TYPE.xdp, attachType: ATTACH_TYPE.none };
  const insns = Uint8Array.from(Buffer.concat(returning(2)));
  using program = BpfProgram.load({ ...spec, attachBtfId: 0, license: 'GPL' }, insns);
  const attr = new Attr(80).u32(0, program.fd).u32(8, 64).pointer(16, new Uint8Array(64));
  expect(attr.call(BPF_CMD.progTestRun)).toBe(0);
  return program.stats().runCount > 0n;
}

describe('measuring', () => {
  it('ends with the process, however that ends', async () => {
    const tracer = await Tracer.start(args('-v'));
    expect(isMeasuring()).toBe(true);
    await tracer.stop('SIGKILL');
    // Somebody else may be measuring for a while.
    for (let i = 0; i < 100 && isMeasuring(); i++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(isMeasuring()).toBe(false);
  });
});

describe('--sample', () => {
  it('keeps about one in N of what matches, and counts the others', async () => {
    const { records, summaries } = await capture(args('--sample', '1/4'), () => void send(SAMPLED));
    const { matched, sampledOut, written, skipped } = expectSums(summaries[0]);
    expect({ matched, skipped }).toEqual({ matched: SAMPLED, skipped: 0 });
    expect(written).toBe(records.length);
    // Ten standard deviations of that many throws.
    const deviation = Math.sqrt(SAMPLED * 0.25 * 0.75);
    expect(Math.abs(written - SAMPLED / 4)).toBeLessThan(10 * deviation);
    expect(sampledOut).toBe(SAMPLED - written);
  });

  it('1/1 keeps all', async () => {
    const { summaries } = await capture(args('--sample', '1/1'), () => void send(COUNT));
    expect(expectSums(summaries[0])).toMatchObject({ matched: COUNT, written: COUNT });
  });

  it('says that chance left out all there was', async () => {
    const { stderr } = await capture(args('--sample', '1/4294967295'), () => void send(3));
    expect(stderr).toContain('nothing captured: 3 events matched, and chance left out all of them');
  });
});

/** The instructions of each of a tracer's programs, as loaded: a line each. */
function instructions({ child }: Tracer): readonly (readonly string[])[] {
  const ids = descriptorTexts(child.pid!).flatMap(
    (text) => /^prog_id:\s*(\d+)$/m.exec(text)?.[1] ?? [],
  );
  expect(ids.length).toBeGreaterThan(0);
  return [...new Set(ids)].map((id) => {
    const args = ['prog', 'dump', 'xlated', 'id', id];
    const { stdout } = spawnSync('bpftool', args, { encoding: 'utf8' });
    return stdout.split('\n').filter((line) => /^ *\d+: \(/.test(line));
  });
}

describe('the program of a hook', () => {
  it('has what a rejected packet goes through first, in one piece', async () => {
    const tracer = await Tracer.start(args());
    const programs = instructions(tracer);
    await tracer.stop();
    const [longest = []] = programs.toSorted((a, b) => b.length - a.length);
    expect(longest.length).toBeGreaterThan(500);
    const end = longest.findIndex((line) => line.endsWith(' exit'));
    expect(end).toBeGreaterThan(0);
    expect(end).toBeLessThan(longest.length / 3);
  });
});

describe('what chance leaves out', () => {
  it.each([
    ['is asked for by --sample', ['--sample', '1/2'], true],
    ['is asked for by --max-overhead', ['--max-overhead', '100%'], true],
    ['is not even compiled without them', [], false],
  ] as const)('%s', async (_name, options, random) => {
    const tracer = await Tracer.start(args(...options));
    const text = instructions(tracer).flat().join('\n');
    await tracer.stop();
    expect(text).toContain('exit');
    expect(text.includes('prandom') || text.includes('user_rnd')).toBe(random);
  });
});

/** Sends until it is stopped, by the end of the test at the latest. */
function flood(): () => void {
  const sender = buildSender('send-datagrams');
  const child = pair.a.spawnWithInput(sender, pair.b.address4, '9', '100000000', '50');
  const stop = (): void => {
    child.kill('SIGKILL');
  };
  onTestFinished(stop);
  child.stdin?.end('x'.repeat(40));
  return stop;
}

/** Waits for a line on standard error. */
function said(tracer: Tracer, text: string): Promise<void> {
  let stderr = '';
  return new Promise((resolve) => {
    tracer.child.stderr?.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
      if (stderr.includes(text)) resolve();
    });
  });
}

/** No hook is as cheap. */
const IMPOSSIBLE = '0.0001%';

describe('--max-overhead', () => {
  it('is told at once where there is nothing to do', async () => {
    const { records, stderr, summaries } = await capture(
      args('--max-overhead', '100%'),
      () => void send(COUNT),
    );
    expect(records).toHaveLength(COUNT);
    expect(expectSums(summaries[0])).toMatchObject({ skipped: 0, written: COUNT });
    expect(stderr).not.toContain('--max-overhead');
  });

  it('looks at fewer events, then detaches, then ends; each step is told and all counts are exact', async () => {
    const tracer = await Tracer.start([
      '-v',
      '-w',
      '/dev/null',
      ...args('--max-overhead', IMPOSSIBLE),
    ]);
    flood();
    const { stderr, status } = await tracer.done;
    expect(status, stderr).toBe(0);
    const steps = stderr.split('\n').filter((line) => line.startsWith('xcap: --max-overhead '));
    expect(steps[0]).toMatch(
      /^xcap: --max-overhead 0\.0001%: [\d.]+ % of this host's CPU time \(programs [\d.]+ %, reader [\d.]+ %\): from now on xcap looks at 1 event in \d+ at drop$/,
    );
    expect(steps.slice(-2)).toEqual([
      expect.stringMatching(
        /: detached drop, the hottest though only 1 event in 1024 was looked at$/,
      ),
      'xcap: --max-overhead 0.0001%: no hook is left: the capture ends',
    ]);
    const summary = expectSums(parseSummaries(stderr).at(-1));
    expect(summary.skipped).toBeGreaterThan(summary.seen / 10);
    expect(summary.written).toBeGreaterThan(0);
    expectRuns(parseCosts(stderr).get('drop'), [summary]);
  });

  it('goes on at the other hooks, and the hot one sees nothing more', async () => {
    const quiet = 'tracepoint:tcp:tcp_retransmit_skb';
    const tracer = await Tracer.start([
      ...['-w', '/dev/null', '--hook', `drop,${quiet}`],
      ...args('--max-overhead', IMPOSSIBLE),
    ]);
    const detached = said(tracer, ': detached drop, the hottest');
    const stop = flood();
    await detached;
    stop();
    const counted = said(tracer, `${quiet}: `);
    tracer.child.kill('SIGUSR1');
    await counted;
    send(COUNT);
    const { stderr, status } = await tracer.stop();
    expect(status, stderr).toBe(0);
    const [before, , after] = parseSummaries(stderr);
    expect(before).toMatchObject({ hook: 'drop' });
    expect(after).toMatchObject({ hook: 'drop', seen: before!.seen });
    expectSums(after);
    expect(stderr).not.toContain('no hook is left');
  });

  it.runIf(kernel.kprobeMulti)('takes functions together that share a program', async () => {
    // Both are given a packet and nothing else: their program is the same.
    const names = ['ip_local_deliver', '__netif_receive_skb'];
    const together = names.join(', ');
    const tracer = await Tracer.start([
      ...['-w', '/dev/null', '--backend', 'kprobe.multi', '--hook', names.join(',')],
      ...args('--max-overhead', IMPOSSIBLE, '-v'),
    ]);
    flood();
    const { stderr, status } = await tracer.done;
    expect(status, stderr).toBe(0);
    expect(stderr).toMatch(new RegExp(`1 event in \\d+ at ${together}\n`));
    expect(stderr).toContain(`detached ${together}, the hottest`);
    const summaries = parseSummaries(stderr);
    for (const summary of summaries) expect(expectSums(summary).skipped).toBeGreaterThan(0);
    expectRuns(parseCosts(stderr).get(together), summaries);
  });
});
