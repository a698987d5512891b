import { spawnSync } from 'node:child_process';
import {
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { enableRunStats } from '../../../src/bpf/run-stats.ts';
import type { NetnsPair } from '../netns.ts';
import { measureEmpty } from './program-cost.ts';
import { startReady, type ReadyProcess } from './ready-process.ts';
import { ratios, spreadOf, type Spread } from './spread.ts';
import { programRuns, rollupKiB, settledProcessorNs } from './tracee.ts';
import { DROPPED_PORT, flood, pktgen } from './traffic-run.ts';

export interface PeerFigure {
  readonly what: string;
  /** From exec to its word that it is ready, seconds. */
  readonly readyS: Spread;
  /** Of its BPF programs for each event, with the kernel's clock reading; undefined without programs. */
  readonly nsPerEvent: Spread | undefined;
  /** Of what a packet costs its sender, to the bare run before. */
  readonly slowDown: Spread;
  /** What it wrote of all packets that match, all runs together. */
  readonly captured: number;
  readonly sent: number;
  readonly said: readonly string[];
  readonly residentMiB: Spread;
  /** Of the whole process, start included, seconds. */
  readonly processorS: Spread;
}

type Filter = 'matched' | 'rejected';

interface Peer {
  readonly name: string;
  readonly command: (filter: Filter, file: string) => readonly string[];
  /** What it prints when it is ready; undefined: it makes the file `ready`. */
  readonly ready: RegExp | undefined;
  readonly environment?: Readonly<Record<string, string>>;
  /** Whether its programs are measured beside the others', on the same packets. */
  readonly together: boolean;
  /** Its output is its standard output. */
  readonly toStdout?: boolean;
  /** How many events it wrote. */
  readonly captured: (file: string, said: string) => number;
  /** What it says of events that it lost. */
  readonly lost: RegExp;
}

const lines = (file: string, of: RegExp): number =>
  existsSync(file)
    ? readFileSync(file, 'latin1')
        .split('\n')
        .filter((line) => of.test(line)).length
    : 0;

/** The function behind the tracepoint of dropped packets: what tools that have no tracepoint hook. */
function droppingFunction(): string {
  const symbols = readFileSync('/proc/kallsyms', 'latin1');
  const name = ['sk_skb_reason_drop', 'kfree_skb_reason', 'kfree_skb'].find((each) =>
    symbols.includes(` T ${each}\n`),
  );
  if (name === undefined) throw new Error('no function that drops packets');
  return name;
}

/** The same work for each: packets to a UDP port that a rule drops, and those of another port. */
function peersOf(
  xcap: readonly string[],
  pair: NetnsPair,
  root: string,
  cache: string,
): readonly Peer[] {
  const chroot = ['chroot', root];
  const dropping = droppingFunction();
  const expression = (filter: Filter): string =>
    `udp port ${filter === 'matched' ? DROPPED_PORT : DROPPED_PORT + 1}`;
  const ours = (name: string, XCAP_CACHE: string): Peer => ({
    name,
    // The program is the same without a cache.
    together: XCAP_CACHE !== 'off',
    command: (filter, file) => [...xcap, '-s', '128', '-w', file, expression(filter)],
    ready: undefined,
    environment: { XCAP_CACHE },
    captured: (_file, said) => Number(/ (\d+) written/.exec(said)?.[1] ?? Number.NaN),
    lost: / (\d+) lost/,
  });
  const bpftrace = (format: string): Peer['command'] => {
    return (filter) => [
      ...[...chroot, 'bpftrace', '-e'],
      `fentry:vmlinux:${dropping} {
        $ip = (struct iphdr *)(args.skb->head + args.skb->network_header);
        if ($ip->protocol == ${filter === 'matched' ? 17 : 1}) { ${format} } }`,
    ];
  };
  return [
    {
      name: 'tcpdump -w, on the device',
      together: false,
      command: (filter, file) => [
        ...pair.b.command(['tcpdump', '-Z', 'root', '-n', '-s', '128', '-i', pair.b.device]),
        ...['-w', file, expression(filter)],
      ],
      ready: /listening on/,
      captured: (_file, said) => Number(/(\d+) packets captured/.exec(said)?.[1] ?? Number.NaN),
      lost: /(\d+) packets dropped by kernel/,
    },
    ours('xcap -w, cached', cache),
    ours('xcap -w, compiled', 'off'),
    {
      name: 'bpftrace, a line of 30 bytes',
      together: true,
      command: bpftrace(
        'printf("%s %s > %s len %d\\n", comm, ntop($ip->saddr), ntop($ip->daddr), args.skb->len);',
      ),
      ready: /Attached \d+ probe/i,
      toStdout: true,
      captured: (file) => lines(file, / len \d+$/),
      lost: /(?:lost|skipped) (\d+) events/i,
    },
    {
      name: 'pwru --output-meta --output-tuple',
      together: true,
      command: (filter) => [
        ...[...chroot, 'pwru', '--filter-func', dropping, '--output-meta', '--output-tuple'],
        expression(filter),
      ],
      ready: /Listening for events/,
      toStdout: true,
      captured: (file) => lines(file, /^0x[0-9a-f]+ /),
      lost: /(\d+) (?:events )?lost/i,
    },
  ];
}

interface Sample {
  readonly readyS: number;
  readonly ns: readonly number[];
  readonly us: number;
  readonly baseUs: number;
  readonly captured: number;
  readonly said: string;
  readonly residentMiB: number;
  readonly processorS: number;
  readonly sent: number;
}

/** Starts a tool; what it captures goes into a folder. */
function startPeer(
  { command, ready, environment, toStdout }: Peer,
  filter: Filter,
  folder: string,
): Promise<ReadyProcess> {
  const file = join(folder, EVENTS);
  const readyFile = join(folder, 'ready');
  const [program = '', ...args] = command(filter, file);
  return startReady(
    ready === undefined ? [program, '--ready-file', readyFile, ...args] : [program, ...args],
    {
      ready: ready ?? readyFile,
      environment,
      ...(toStdout === true
        ? { output: (stdout) => void stdout.pipe(createWriteStream(file)) }
        : {}),
    },
  );
}

/** The name of the file with what a tool captures. */
const EVENTS = 'events';

/** A directory for such files, on tmpfs where there is one. */
const temporaryFolder = (): string =>
  mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'xcap-peers-'));

/**
 * One run of a tool: started, flooded twice, the second time in parts with the kernel's statistics on, then by the kernel's packet
 * generator where there is one, ended by Ctrl-C.
 */
async function measureOnce(
  peer: Peer,
  filter: Filter,
  pair: NetnsPair,
  packets: number,
): Promise<Sample> {
  const folder = temporaryFolder();
  try {
    const baseUs = flood(pair, packets);
    const tool = await startPeer(peer, filter, folder);
    const pid = tool.child.pid ?? 0;
    const { readyS } = tool;
    // Some work on behind their start; one that polls never settles.
    await settledProcessorNs(pid, 3000);
    const us = flood(pair, packets);
    const [ns = []] = await programNs([pid], pair, packets);
    const generated = filter === 'matched' ? pktgen(pair, packets) : 0;
    const residentMiB = rollupKiB(pid, 'Rss') / 1024;
    // What it has still to write, it writes now; a tool that polls never settles.
    const processorNs = await settledProcessorNs(pid, 5000);
    await tool.stop();
    const said = tool.said();
    return {
      ...{ readyS, ns, us, baseUs, said, residentMiB },
      captured: filter === 'matched' ? peer.captured(join(folder, EVENTS), said) : 0,
      sent: filter === 'matched' ? 2 * packets + generated : 0,
      processorS: processorNs / 1e9,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const PARTS = 20;
const CATCH_UP_MS = 100;

/**
 * What an event takes in the programs of each tool, nanoseconds, for each part of a flood that all of them see; nothing of one
 * without programs. The kernel counts what interrupts a program as its own, so the tools are stopped meanwhile: their buffers
 * hold a part.
 */
async function programNs(
  pids: readonly number[],
  pair: NetnsPair,
  packets: number,
): Promise<readonly (readonly number[])[]> {
  const found = pids.map((): number[] => []);
  const stats = enableRunStats();
  try {
    for (let part = 0; part < PARTS; part++) {
      for (const pid of pids) process.kill(pid, 'SIGSTOP');
      const before = pids.map(programRuns);
      flood(pair, packets / PARTS);
      const after = pids.map(programRuns);
      for (const pid of pids) process.kill(pid, 'SIGCONT');
      await new Promise((resolve) => setTimeout(resolve, CATCH_UP_MS));
      after.forEach((programs, tool) => {
        const since = programs.map(({ runs, ns }, i) => {
          const then = before[tool]?.[i];
          return { runs: runs - (then?.runs ?? 0), ns: ns - (then?.ns ?? 0) };
        });
        // Of several programs one is at the place that counts.
        const runs = Math.max(0, ...since.map((each) => each.runs));
        if (runs > 0) found[tool]?.push(since.reduce((sum, each) => sum + each.ns, 0) / runs);
      });
    }
  } finally {
    stats[Symbol.dispose]();
  }
  return found;
}

/** What tools look at that run in the directory of the peers. */
export function mountForPeers(root: string): void {
  for (const name of ['proc', 'sys', 'dev']) {
    const place = join(root, name);
    mkdirSync(place, { recursive: true });
    if (statSync(place).dev !== statSync(root).dev) continue;
    // Recursive, so that tracefs and the like come along.
    const { status, stderr } = spawnSync('mount', ['--rbind', `/${name}`, place]);
    if (status !== 0) throw new Error(`mounting ${place}: ${stderr.toString()}`);
  }
}

/**
 * xcap beside its peers on dropped datagrams, in turns: what matches, and what does not.
 *
 * @param root directory of the peers that run in it: scripts/guest/fetch-peers
 */
export async function measurePeers(
  xcap: readonly string[],
  pair: NetnsPair,
  root: string,
  runs: number,
  packets: number,
): Promise<{ readonly figures: readonly PeerFigure[]; readonly emptyNs: Spread }> {
  mountForPeers(root);
  const emptyNs: number[] = [];
  const cache = mkdtempSync(join(tmpdir(), 'xcap-peers-cache-'));
  const cases = peersOf(xcap, pair, root, cache).flatMap((peer) =>
    (['matched', 'rejected'] as const).map((filter) => ({ peer, filter, samples: [] as Sample[] })),
  );
  try {
    for (let run = 0; run < runs; run++) {
      const stats = enableRunStats();
      emptyNs.push(measureEmpty(pair, packets));
      stats[Symbol.dispose]();
      for (const { peer, filter, samples } of cases) {
        // The first fills caches: ours, and the page cache for all.
        if (run === 0) await measureOnce(peer, filter, pair, 100);
        samples.push(await measureOnce(peer, filter, pair, packets));
      }
    }
  } finally {
    rmSync(cache, { recursive: true, force: true });
  }
  const figures = cases.map(({ peer, filter, samples }) => {
    const of = (key: (sample: Sample) => number): Spread => spreadOf(samples.map(key));
    const times = samples.flatMap(({ ns }) => ns);
    const bases = samples.map(({ baseUs }) => baseUs);
    return {
      what: `${peer.name}, ${filter}`,
      readyS: of(({ readyS }) => readyS),
      nsPerEvent: times.length === 0 ? undefined : spreadOf(times),
      slowDown: ratios(
        samples.map(({ us }) => us),
        bases,
      ),
      captured: samples.reduce((sum, { captured }) => sum + captured, 0),
      sent: samples.reduce((sum, { sent }) => sum + sent, 0),
      said: samples.map(({ said }) => peer.lost.exec(said)?.[1] ?? 'nothing'),
      residentMiB: of(({ residentMiB }) => residentMiB),
      processorS: of(({ processorS }) => processorS),
    };
  });
  return { figures, emptyNs: spreadOf(emptyNs) };
}

export interface TogetherFigure {
  readonly what: string;
  /** Of its BPF programs for each event, with the kernel's clock reading. */
  readonly nsPerEvent: Spread;
  /** Of xcap's programs to this tool's, on the same packets. */
  readonly xcapTo: Spread;
}

/**
 * xcap and the peers that have programs, all of them attached at once, so that each packet is the same work at the same time for
 * all: what a machine with others on it does to one, it does to all.
 *
 * @param root directory of the peers that run in it: scripts/guest/fetch-peers
 * @param packets of each run, which is told in parts
 */
export async function measureTogether(
  xcap: readonly string[],
  pair: NetnsPair,
  root: string,
  runs: number,
  packets: number,
): Promise<readonly TogetherFigure[]> {
  mountForPeers(root);
  const cache = mkdtempSync(join(tmpdir(), 'xcap-peers-cache-'));
  const peers = peersOf(xcap, pair, root, cache).filter(({ together }) => together);
  try {
    const figures: TogetherFigure[] = [];
    for (const filter of ['matched', 'rejected'] as const) {
      const times = peers.map((): number[] => []);
      for (let run = 0; run < runs; run++) {
        // Who is asked first brings the packet into the processor's caches for the others: each is once.
        const first = run % peers.length;
        const turned = [...peers.slice(first), ...peers.slice(0, first)];
        const found = await togetherOnce(turned, filter, pair, packets);
        found.forEach((each, i) => times[(i + first) % peers.length]?.push(...each));
      }
      const [ours = []] = times;
      for (const [i, { name }] of peers.entries()) {
        const its = times[i] ?? [];
        const what = `${name}, ${filter}`;
        figures.push({ what, nsPerEvent: spreadOf(its), xcapTo: ratios(ours, its) });
      }
    }
    return figures;
  } finally {
    rmSync(cache, { recursive: true, force: true });
  }
}

async function togetherOnce(
  peers: readonly Peer[],
  filter: Filter,
  pair: NetnsPair,
  packets: number,
): Promise<readonly (readonly number[])[]> {
  const folders = peers.map(temporaryFolder);
  const tools: ReadyProcess[] = [];
  try {
    for (const [i, peer] of peers.entries()) {
      tools.push(await startPeer(peer, filter, folders[i] ?? ''));
    }
    const pids = tools.map(({ child }) => child.pid ?? 0);
    for (const pid of pids) await settledProcessorNs(pid, 3000);
    flood(pair, packets);
    const found = await programNs(pids, pair, packets);
    for (const [i, { name }] of peers.entries()) {
      if (found[i]?.length !== PARTS) throw new Error(`${name} did not see each part`);
    }
    return found;
  } finally {
    for (const tool of tools) await tool.stop();
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  }
}
