import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NetnsPair } from '../support/netns.ts';
import { threadTexts } from '../support/proc.ts';
import { parseSummaries, Tracer } from '../support/tracer.ts';
import { sendDatagrams } from '../support/traffic.ts';

const script = join(import.meta.dirname, '../../scripts/xcap');
const BURST = process.env['XCAP_GUEST'] === undefined ? 20_000 : 4_000;

let pair: NetnsPair;
let folder: string;
beforeAll(() => {
  pair = new NetnsPair();
  pair.b.iptables('-A', 'INPUT', '-p', 'udp', '--dport', '9', '-j', 'DROP');
  folder = mkdtempSync(join(tmpdir(), 'xcap-lifecycle-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  pair.dispose();
});

const args = (...more: string[]): string[] => ['--netns', pair.b.name, ...more, 'udp port 9'];

function send(count: number): void {
  sendDatagrams(pair.a, { to: pair.b.address4, port: 9, payload: 'x'.repeat(40), count });
}

function frames(file: string): number {
  const { stdout, stderr, status } = spawnSync(
    'tshark',
    ['-r', file, '-T', 'fields', '-e', 'frame.number'],
    { encoding: 'utf8' },
  );
  expect(status, stderr).toBe(0);
  return stdout.split('\n').filter((line) => line !== '').length;
}

/** BPF programs and maps named xcap_*, once the kernel has had time to free what nobody holds. */
async function leftBehind(): Promise<string> {
  let left = '';
  for (let i = 0; i < 50; i++) {
    left = ['prog', 'map']
      .map((kind) => spawnSync('bpftool', [kind, 'show'], { encoding: 'utf8' }).stdout)
      .join('')
      .split('\n')
      .filter((line) => / name xcap_/.test(line))
      .join('\n');
    if (left === '') break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return left;
}

async function waitFor(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 600 && !condition(); i++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(condition()).toBe(true);
}

describe('the end of a capture', () => {
  it('comes by SIGINT although it was inherited as ignored: whole file, nothing left attached', async () => {
    const file = join(folder, 'int.pcapng');
    const ready = join(folder, 'ready');
    const words = args('-w', file, '--ready-file', ready);
    const child = spawn('sh', ['-c', 'trap "" INT; exec "$@"', 'sh', script, ...words], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const ended = new Promise((resolve) => child.once('close', resolve));
    await waitFor(() => existsSync(ready));
    send(7);
    child.kill('SIGINT');
    expect(await ended, stderr).toBe(0);
    expect(frames(file)).toBe(7);
    expect(parseSummaries(stderr)[0]).toMatchObject({ matched: 7, written: 7, left: 0 });
    expect(await leftBehind()).toBe('');
  });

  it('comes by SIGTERM as well; SIGUSR1 before it only prints the counts', async () => {
    const tracer = await Tracer.start(args('--json'));
    let said = '';
    tracer.child.stderr!.on('data', (chunk: Buffer) => void (said += chunk.toString()));
    send(3);
    await new Promise((resolve) => setTimeout(resolve, 300));
    tracer.child.kill('SIGUSR1');
    await waitFor(() => said.endsWith('\n') && parseSummaries(said).length === 1);
    send(2);
    const { status, stdout, stderr } = await tracer.stop('SIGTERM');
    expect(status).toBe(0);
    expect(stdout.trim().split('\n')).toHaveLength(5);
    expect(parseSummaries(stderr).map(({ matched }) => matched)).toEqual([3, 5]);
  });

  it('by kill -9 leaves a file that tshark reads and nothing in the kernel', async () => {
    const file = join(folder, 'kill.pcapng');
    const tracer = await Tracer.start(args('-U', '-w', file));
    send(50);
    await waitFor(() => statSync(file).size > 50 * 100);
    tracer.child.kill('SIGKILL');
    expect((await tracer.done).signal).toBe('SIGKILL');
    expect(frames(file)).toBe(50);
    expect(await leftBehind()).toBe('');
  });

  it('comes with -c after exactly so many packets; what the ring still holds is counted', async () => {
    const tracer = await Tracer.start(args('--json', '-c', '5'));
    send(BURST);
    const { status, stdout, stderr } = await tracer.done;
    expect(status).toBe(0);
    expect(stdout.trim().split('\n')).toHaveLength(5);
    const [summary] = parseSummaries(stderr);
    expect(summary!.written).toBe(5);
    expect(summary!.matched).toBe(summary!.written + summary!.lost + summary!.left);
    expect(summary!.left + summary!.lost).toBeGreaterThan(0);
    expect(stderr).not.toContain('add up');
  });

  it('comes with --duration, and says when nothing was captured', async () => {
    const tracer = await Tracer.start(args('--json', '--duration', '300ms'));
    const { status, stdout, stderr } = await tracer.done;
    expect(status).toBe(0);
    expect(stdout).toBe('');
    expect(stderr).toContain('nothing captured');
  });

  it('comes with the reader of a pipe gone: status 0', async () => {
    const tracer = await Tracer.start(args('-l'));
    tracer.child.stdout?.destroy();
    send(3);
    await new Promise((resolve) => setTimeout(resolve, 300));
    send(3);
    expect((await tracer.done).status).toBe(0);
  });
});

describe('a ring that is too small', () => {
  it('loses events, and counts each of them', async () => {
    const file = join(folder, 'small.pcapng');
    const tracer = await Tracer.start(args('-B', '4', '-w', file));
    tracer.child.kill('SIGSTOP');
    send(BURST);
    tracer.child.kill('SIGCONT');
    const { status, stderr } = await tracer.stop();
    expect(status).toBe(0);
    const [summary] = parseSummaries(stderr);
    expect(summary).toMatchObject({ matched: BURST, left: 0, missed: 0 });
    expect(summary!.lost).toBeGreaterThan(BURST / 2);
    expect(summary!.written).toBe(BURST - summary!.lost);
    expect(frames(file)).toBe(summary!.written);
  });
});

describe('a tracer that sees nothing', () => {
  it('uses no processor time', async () => {
    const tracer = await Tracer.start(args('--json'));
    // How often its threads have gone to sleep, which says more of an emulated processor than time does.
    const sleeps = (): number =>
      threadTexts(tracer.child.pid!, 'status')
        .map((text) => /^voluntary_ctxt_switches:\t(\d+)$/m.exec(text))
        .reduce((sum, found) => sum + Number(found?.[1] ?? 0), 0);
    // What it reads behind a start takes some time; a timer of a millisecond would never let it be still.
    let lately: number;
    let tries = 0;
    do {
      const before = sleeps();
      await new Promise((resolve) => setTimeout(resolve, 3000));
      lately = sleeps() - before;
    } while (lately > 15 && ++tries < 10);
    expect(lately).toBeLessThanOrEqual(15);
    await tracer.stop();
  });
});
