import { Tracer } from './tracer.ts';

/** A line of `xcap top --json`. */
export interface TopLine {
  readonly schema: number;
  readonly time: string;
  readonly of: 'interval' | 'run';
  readonly row: 'key' | 'other' | 'all';
  readonly seconds: number;
  readonly packets: number;
  readonly bytes: number;
  readonly packets_per_second: number;
  readonly bytes_per_second: number;
  readonly hook?: string;
  readonly reason?: string;
  readonly location?: string;
  readonly iface?: string;
  readonly ifindex?: number;
  readonly netns?: number;
  readonly netns_name?: string;
  readonly comm?: string;
  readonly context?: string;
  readonly ethertype?: number;
  readonly proto?: number;
  readonly src?: string;
  readonly sport?: number;
  readonly dst?: string;
  readonly dport?: number;
}

/** A hook's line of the summary. */
export interface TopSummary {
  readonly seen: number;
  readonly rejected: number;
  readonly counted: number;
  readonly other: number;
  readonly missed: number;
}

export interface Counted {
  readonly lines: readonly TopLine[];
  /** Of the whole run: its rows, the one of what had no room, and their sum. */
  readonly rows: readonly TopLine[];
  readonly other: TopLine | undefined;
  readonly all: TopLine;
  readonly summaries: readonly TopSummary[];
  readonly stderr: string;
}

export function parseTopSummaries(stderr: string): readonly TopSummary[] {
  const number = (line: string, word: string): number =>
    Number(new RegExp(`(\\d+) ${word}`).exec(line)?.[1] ?? 0);
  return stderr
    .split('\n')
    .filter((line) => /^xcap: \S+: \d+ seen, .* counted, /.test(line))
    .map((line) => ({
      seen: number(line, 'seen'),
      rejected: number(line, 'rejected'),
      counted: number(line, 'counted'),
      other: number(line, 'other'),
      missed: number(line, 'missed'),
    }));
}

/** Waits until it has printed that: the first interval begins when names have been read, later than `ready`. */
export async function untilPrinted(tracer: Tracer, pattern: RegExp): Promise<void> {
  let text = '';
  await new Promise<void>((resolve, reject) => {
    tracer.child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (pattern.test(text)) resolve();
    });
    tracer.child.once('close', () => {
      reject(new Error(`xcap top ended, and printed no ${String(pattern)}: ${text}`));
    });
  });
}

/** Runs `xcap top --json` around `traffic`. */
export async function countPackets(
  args: readonly string[],
  traffic: (tracer: Tracer) => void | Promise<void>,
): Promise<Counted> {
  const tracer = await Tracer.start(['top', '--json', ...args]);
  await traffic(tracer);
  const { status, stdout, stderr } = await tracer.stop();
  if (status !== 0) throw new Error(`xcap top: status ${status}: ${stderr}`);
  const lines = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as TopLine);
  const run = lines.filter((line) => line.of === 'run');
  const all = run.find(({ row }) => row === 'all');
  if (all === undefined) throw new Error(`no sum: ${stdout}`);
  return {
    lines,
    rows: run.filter(({ row }) => row === 'key'),
    other: run.find(({ row }) => row === 'other'),
    all,
    summaries: parseTopSummaries(stderr),
    stderr,
  };
}
