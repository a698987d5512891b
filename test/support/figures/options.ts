import { enableRunStats } from '../../../src/bpf/run-stats.ts';
import type { NetnsPair } from '../netns.ts';
import { spreadOf, type Spread } from './spread.ts';
import { programRuns, settledProcessorNs, Tracee } from './tracee.ts';
import { flood } from './traffic-run.ts';

export interface OptionFigure {
  /** What else is alike: rows with the same one are to be compared. */
  readonly group: string;
  readonly option: string;
  /** In all programs of the capture for each packet sent; undefined: this kernel cannot do it. */
  readonly programNs: Spread | undefined;
  /** Processor time of the tracer for each packet sent, microseconds. */
  readonly readerUs: Spread | undefined;
}

interface Group {
  readonly name: string;
  readonly args: readonly string[];
  readonly payload?: number;
  /** The first is what the others are compared with. */
  readonly options: readonly (readonly [label: string, args: readonly string[]])[];
}

const FILE = ['-w', '/dev/null', '-s', '128'];

function groupsOf({ a, b }: NetnsPair): readonly Group[] {
  const matched = [...FILE, 'udp port 9'];
  return [
    {
      name: 'drop, matched',
      args: ['--netns', b.name],
      options: [
        ['off', matched],
        ['--stack', ['--stack', ...matched]],
        ['--who cgroup', ['--who', 'cgroup', ...matched]],
        ['--who owner', ['--who', 'owner', ...matched]],
        ['--who all', ['--who', 'all', ...matched]],
        ['--where', ['--where', 'skb.dev.mtu > 100', ...matched]],
        ['--rule', ['--rule', ...matched]],
        ['--track', ['--track', ...matched]],
      ],
    },
    {
      name: 'drop, rejected',
      args: ['--netns', b.name],
      options: [
        ['off', [...FILE, 'udp port 10']],
        ['--who all', ['--who', 'all', ...FILE, 'udp port 10']],
        ['--rule', ['--rule', ...FILE, 'udp port 10']],
        ['--track', ['--track', ...FILE, 'udp port 10']],
      ],
    },
    {
      name: 'tx, rx and drop, matched, as text',
      args: ['--hook', 'tx,rx,drop', '--netns', a.name, '--netns', b.name],
      options: [
        ['off', ['udp port 9']],
        ['--track', ['--track', 'udp port 9']],
        ['--gather', ['--gather', 'udp port 9']],
      ],
    },
    {
      name: 'a socket that sends, without an skb',
      args: ['--hook', 'tracepoint:sock:sock_send_length', '--netns', a.name],
      options: [
        ['its packet made up, captured', FILE],
        ['its packet made up, rejected', [...FILE, 'udp port 10']],
      ],
    },
    {
      name: 'drop, 8,000 bytes in fragments',
      args: ['--netns', b.name, '-w', '/dev/null', 'udp'],
      payload: 8000,
      options: [
        ['-s 40: linear', ['-s', '40']],
        ['whole', []],
      ],
    },
  ];
}

/** What one packet costs with an option on, beside the same with it off. */
export async function measureOptions(
  script: readonly string[],
  pair: NetnsPair,
  runs: number,
  packets: number,
): Promise<readonly OptionFigure[]> {
  const cases = groupsOf(pair).flatMap(({ name, args, payload, options }) =>
    options.map(([option, more]) => ({
      group: name,
      option,
      args: [...args, ...more],
      payload,
      programNs: [] as number[],
      readerUs: [] as number[],
    })),
  );
  const stats = enableRunStats();
  try {
    // In turns, so that drift of the machine falls on all.
    for (let run = 0; run < runs; run++) {
      for (const each of cases) {
        const count = Math.round(packets / (1 + (each.payload ?? 0) / 1500));
        let tracee;
        try {
          tracee = await Tracee.start(script, each.args);
        } catch {
          continue; // not on this kernel
        }
        const sum = (pid: number): number => programRuns(pid).reduce((all, { ns }) => all + ns, 0);
        const before = { ns: sum(tracee.pid), reader: await settledProcessorNs(tracee.pid) };
        flood(pair, count, [], each.payload === undefined ? {} : { payload: each.payload });
        each.programNs.push((sum(tracee.pid) - before.ns) / count);
        const reader = (await settledProcessorNs(tracee.pid, 20_000)) - before.reader;
        each.readerUs.push(reader / 1000 / count);
        await tracee.stop();
      }
    }
  } finally {
    stats[Symbol.dispose]();
  }
  const spread = (values: readonly number[]): Spread | undefined =>
    values.length === 0 ? undefined : spreadOf(values);
  return cases.map(({ group, option, programNs, readerUs }) => ({
    ...{ group, option },
    programNs: spread(programNs),
    readerUs: spread(readerUs),
  }));
}
