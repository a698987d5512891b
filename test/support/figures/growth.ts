import { spawn } from 'node:child_process';
import { enableRunStats } from '../../../src/bpf/run-stats.ts';
import type { NetnsPair } from '../netns.ts';
import { buildSender } from '../traffic.ts';
import { spreadOf, type Spread } from './spread.ts';
import { programRuns, Tracee } from './tracee.ts';
import { DROPPED_PORT, flood } from './traffic-run.ts';

export interface GrowthPoint {
  readonly x: number;
  readonly y: Spread;
}

/** How a cost grows with something: lines over one axis. */
export interface Growth {
  /** Name of the picture. */
  readonly name: string;
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly logX: boolean;
  readonly lines: readonly { readonly label: string; readonly points: readonly GrowthPoint[] }[];
}

interface Setting {
  readonly xcap: readonly string[];
  readonly pair: NetnsPair;
  readonly runs: number;
  readonly packets: number;
}

/** Nanoseconds in all programs of a capture for each packet sent. */
async function programNs(
  { xcap, pair, packets }: Setting,
  args: readonly string[],
  send: () => Promise<void> | void = () => void flood(pair, packets),
  sent = packets,
): Promise<number> {
  const tracee = await Tracee.start(xcap, args);
  const sum = (): number => programRuns(tracee.pid).reduce((all, { ns }) => all + ns, 0);
  const before = sum();
  await send();
  const spent = sum() - before;
  await tracee.stop();
  return spent / sent;
}

async function points(
  runs: number,
  xs: readonly number[],
  measure: (x: number) => Promise<number>,
): Promise<readonly GrowthPoint[]> {
  const samples = xs.map((): number[] => []);
  // In turns, so that drift of the machine falls on all.
  for (let run = 0; run < runs; run++) {
    for (const [i, x] of xs.entries()) samples[i]?.push(await measure(x));
  }
  return xs.map((x, i) => ({ x, y: spreadOf(samples[i] ?? []) }));
}

/** By the bytes of a packet, all captured: in the linear part, and from 4 KiB on in pages too. */
async function bySize(setting: Setting): Promise<Growth> {
  const { pair, runs, packets } = setting;
  const all = ['--netns', pair.b.name, '-w', '/dev/null'];
  const measure =
    (args: readonly string[]) =>
    (payload: number): Promise<number> => {
      const count = Math.max(2000, Math.round(packets / (1 + payload / 1500)));
      const send = (): void => void flood(pair, count, [], { payload });
      return programNs(setting, args, send, count);
    };
  const sizes = [22, 86, 214, 470, 1458, 4000, 10_000, 25_000, 60_000];
  return {
    name: 'size',
    title: 'A matched event, by the size of its packet',
    xLabel: 'bytes of payload (from 4,000 on put together of fragments)',
    yLabel: 'ns in the program for each packet',
    logX: true,
    lines: [
      { label: 'captured whole', points: await points(runs, sizes, measure(all)) },
      { label: '-s 128', points: await points(runs, sizes, measure([...all, '-s', '128'])) },
    ],
  };
}

/** By the terms of an expression of which none matches. */
async function byFilter(setting: Setting): Promise<Growth> {
  const { pair, runs } = setting;
  const expression = (terms: number): string =>
    Array.from({ length: terms }, (_, i) => `dst host 10.${77 + (i >> 8)}.${i & 255}.1`).join(
      ' or ',
    );
  const measure = (terms: number): Promise<number> =>
    programNs(setting, ['--netns', pair.b.name, '-w', '/dev/null', expression(terms)]);
  return {
    name: 'filter',
    title: 'A rejected event, by the length of the expression',
    xLabel: 'terms: dst host A or dst host B or ...',
    yLabel: 'ns in the program for each packet',
    logX: true,
    lines: [{ label: 'rejected', points: await points(runs, [1, 3, 10, 30, 100, 300], measure) }],
  };
}

/** Tracepoints on the way of a datagram, each hit once or twice for each. */
const ON_THE_WAY = [
  'drop',
  ...['tx', 'rx', 'tracepoint:net:net_dev_queue', 'tracepoint:net:net_dev_xmit'],
  ...['tracepoint:net:netif_rx', 'tracepoint:net:netif_receive_skb'],
  ...['tracepoint:net:netif_rx_entry'],
];

/** By the number of hooks that a packet comes by. */
async function byHooks(setting: Setting): Promise<Growth> {
  const { pair, runs } = setting;
  const measure =
    (expression: string) =>
    (hooks: number): Promise<number> =>
      programNs(setting, [
        ...['--hook', ON_THE_WAY.slice(0, hooks).join(',')],
        ...['--netns', pair.a.name, '--netns', pair.b.name, '-w', '/dev/null', '-s', '128'],
        expression,
      ]);
  const counts = ON_THE_WAY.map((_, i) => i + 1);
  return {
    name: 'hooks',
    title: 'One packet, by the hooks that it comes by',
    xLabel: 'hooks',
    yLabel: 'ns in all programs for each packet',
    logX: false,
    lines: [
      { label: 'matched', points: await points(runs, counts, measure(`udp port ${DROPPED_PORT}`)) },
      {
        label: 'rejected',
        points: await points(runs, counts, measure(`udp port ${DROPPED_PORT + 1}`)),
      },
    ],
  };
}

/** By the processors that packets are sent from: they share the ring. */
async function byProcessors(setting: Setting, processors: number): Promise<Growth> {
  const { pair, runs, packets } = setting;
  const sendFrom = async (count: number): Promise<void> => {
    const sender = buildSender('send-datagrams');
    const words = (cpu: number): string[] =>
      pair.a.command([
        ...['taskset', '-c', String(cpu), sender, pair.b.address4],
        ...[String(DROPPED_PORT), String(Math.floor(packets / count)), '0'],
      ]);
    await Promise.all(
      Array.from({ length: count }, async (_, cpu) => {
        const [program = '', ...args] = words(cpu);
        const child = spawn(program, args, { stdio: ['pipe', 'ignore', 'inherit'] });
        child.stdin.end('x'.repeat(100));
        await new Promise((resolve) => child.once('close', resolve));
      }),
    );
  };
  const measure =
    (expression: string) =>
    (count: number): Promise<number> =>
      programNs(
        setting,
        ['--netns', pair.b.name, '-w', '/dev/null', '-s', '128', expression],
        () => sendFrom(count),
        Math.floor(packets / count) * count,
      );
  const counts = Array.from({ length: processors }, (_, i) => i + 1);
  return {
    name: 'cpus',
    title: 'An event, by the processors that send at a time',
    xLabel: 'processors',
    yLabel: 'ns in the program for each packet',
    logX: false,
    lines: [
      { label: 'matched', points: await points(runs, counts, measure(`udp port ${DROPPED_PORT}`)) },
      {
        label: 'rejected',
        points: await points(runs, counts, measure(`udp port ${DROPPED_PORT + 1}`)),
      },
    ],
  };
}

/** With the kernel's clock reading around each program: see an empty program's in the table of programs. */
export async function measureGrowth(
  setting: Setting,
  processors: number,
): Promise<readonly Growth[]> {
  const stats = enableRunStats();
  try {
    return [
      await bySize(setting),
      await byFilter(setting),
      await byHooks(setting),
      await byProcessors(setting, processors),
    ];
  } finally {
    stats[Symbol.dispose]();
  }
}
