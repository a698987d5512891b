/**
 * The figures of docs/performance.md, measured on traffic in two namespaces of its own:
 *   node figures.js CHECKOUT [--json] [--runs N] [--packets N] [--realtime]
 *     [--only NAME[,NAME...]] [--peers DIRECTORY] [--plot DIRECTORY]
 */
import { readFileSync } from 'node:fs';
import { availableParallelism, release } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { NetnsPair } from '../netns.ts';
import { measureGrowth } from './growth.ts';
import { measureMany } from './many.ts';
import { measureMemory } from './memory.ts';
import { measureOptions } from './options.ts';
import { measureParts } from './parts.ts';
import { measurePeers, measureTogether } from './peers.ts';
import { plotGrowth, requireGnuplot } from './plot.ts';
import { measureProgram } from './program-cost.ts';
import { measureReader } from './reader.ts';
import { measureSender } from './sender.ts';
import { formatSpread, formatTable } from './spread.ts';
import { measureStartup } from './startup.ts';
import { DROPPED_PORT } from './traffic-run.ts';

/** What is measured when nothing is asked for, and what else can be asked for. */
const BY_DEFAULT = [
  'startup',
  'parts',
  'program',
  'options',
  'reader',
  'memory',
  'sender',
  'growth',
];
const FIGURES = [...BY_DEFAULT, 'peers', 'together', 'many'];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    runs: { type: 'string', default: '9' },
    packets: { type: 'string', default: '200000' },
    realtime: { type: 'boolean', default: false },
    peers: { type: 'string', default: '' },
    plot: { type: 'string' },
    only: { type: 'string', default: BY_DEFAULT.join(',') },
  },
});
const [checkout = ''] = positionals;
/** SCHED_FIFO: what else runs on the machine does not get between. */
const before = values.realtime ? ['chrt', '-f', '10'] : [];
const xcap = join(checkout, 'scripts/xcap');
const script = [...before, xcap];
const runs = Number(values.runs);
const packets = Number(values.packets);
const wanted = values.only.split(',');
for (const name of wanted) {
  if (!FIGURES.includes(name)) throw new Error(`--only ${name}: it knows ${FIGURES.join(', ')}`);
}
// Before an hour is spent on what cannot be drawn.
if (values.plot !== undefined) requireGnuplot();

const pair = new NetnsPair();
pair.b.iptables('-A', 'INPUT', '-p', 'udp', '--dport', String(DROPPED_PORT), '-j', 'DROP');

const load = Number(readFileSync('/proc/loadavg', 'utf8').split(' ')[0]);
const result: Record<string, unknown> = {
  machine: { cpus: availableParallelism(), kernel: release(), node: process.version, load },
};
/** At once: what comes later may fail. */
function show(table: string): void {
  if (!values.json) process.stdout.write(`${table}\n`);
}
const spread = 'min / median / max';

if (wanted.includes('startup')) {
  const figures = await measureStartup(script, pair.b.name, runs);
  result['startup'] = figures;
  show(
    formatTable(
      `From exec of scripts/xcap to ready, ms (${runs} runs)`,
      ['xcap --netns NAME ...', 'compiled', 'cached'],
      figures.map(({ command, compiled, cached }) => [
        command,
        formatSpread(compiled, 0),
        formatSpread(cached, 0),
      ]),
    ),
  );
}
if (wanted.includes('parts')) {
  const figures = measureParts(before, pair.b.name, 'tcp port 80 and host 10.0.0.1', runs);
  result['parts'] = figures;
  show(
    formatTable(
      `Parts of a start, each by itself, ms (${runs} runs)`,
      ['part', spread],
      figures.map(({ part, ms }) => [part, formatSpread(ms, 1)]),
    ),
  );
}
if (wanted.includes('program')) {
  const figures = await measureProgram(script, pair, Math.min(runs, 7), packets);
  result['program'] = figures;
  show(
    formatTable(
      `The BPF program on skb:kfree_skb, ns for each event (bpf_stats, ${packets} packets a run)`,
      ['event', spread],
      figures.map(({ what, nsPerEvent }) => [what, formatSpread(nsPerEvent, 0)]),
    ),
  );
}
if (wanted.includes('options')) {
  const figures = await measureOptions(script, pair, Math.min(runs, 5), packets / 4);
  result['options'] = figures;
  show(
    formatTable(
      `What an option costs, for each packet sent (${packets / 4} a run, in turns)`,
      ['hook', 'option', 'all programs, ns', 'the tracer, us of processor'],
      figures.map(({ group, option, programNs, readerUs }) => [
        ...[group, option],
        programNs === undefined ? 'not on this kernel' : formatSpread(programNs, 0),
        readerUs === undefined ? '' : formatSpread(readerUs, 2),
      ]),
    ),
  );
}
if (wanted.includes('reader')) {
  const figures = await measureReader(Math.min(runs, 7), 5 * packets);
  result['reader'] = figures;
  show(
    formatTable(
      `From the ring's memory to a file on tmpfs (${5 * packets} events a run)`,
      ['output', 'ns of processor an event', 'millions/s', 'MB/s'],
      figures.map(({ what, ns, millionsPerSecond, megabytesPerSecond }) => [
        what,
        formatSpread(ns, 0),
        formatSpread(millionsPerSecond, 2),
        formatSpread(megabytesPerSecond, 0),
      ]),
    ),
  );
}
if (wanted.includes('memory')) {
  const figures = await measureMemory(script, pair, Math.min(runs, 5), packets);
  result['memory'] = figures;
  show(
    formatTable(
      'Resident memory of the tracer, MiB, and its load, % of one processor',
      ['state', 'RSS', 'without the ring', 'anonymous', 'load'],
      figures.map(({ when, rss, withoutRing, anonymous, idlePercent }) => [
        when,
        formatSpread(rss, 0),
        formatSpread(withoutRing, 0),
        formatSpread(anonymous, 0),
        formatSpread(idlePercent, 3),
      ]),
    ),
  );
}
if (wanted.includes('sender')) {
  const figures = await measureSender(before, xcap, pair, Math.min(runs, 7), packets);
  result['sender'] = figures;
  show(
    formatTable(
      `What the sender of dropped datagrams pays, us a packet (${packets} packets a run, alternating)`,
      ['beside', spread, 'added', 'ratio to nothing', 'capturer', 'lost'],
      figures.map(({ beside, usPerPacket, addedUs, ratio, capturerUs, lost }) => [
        beside,
        formatSpread(usPerPacket, 2),
        formatSpread(addedUs, 2),
        formatSpread(ratio, 3),
        capturerUs === undefined ? '' : formatSpread(capturerUs, 2),
        lost === undefined ? '' : String(lost),
      ]),
    ),
  );
}
if (wanted.includes('growth')) {
  const setting = { xcap: script, pair, runs: Math.min(runs, 5), packets: packets / 4 };
  const growths = await measureGrowth(setting, availableParallelism());
  result['growth'] = growths;
  for (const { title, xLabel, yLabel, lines } of growths) {
    show(
      formatTable(
        `${title}: ${yLabel}`,
        [xLabel, ...lines.map(({ label }) => label)],
        (lines[0]?.points ?? []).map(({ x }, i) => [
          String(x),
          ...lines.map(({ points }) => {
            const point = points[i];
            return point === undefined ? '' : formatSpread(point.y, 0);
          }),
        ]),
      ),
    );
  }
  if (values.plot !== undefined) {
    for (const file of plotGrowth(growths, values.plot)) process.stderr.write(`${file}\n`);
  }
}
if (wanted.includes('peers')) {
  const times = Math.min(runs, 5);
  const { figures, emptyNs } = await measurePeers(script, pair, values.peers, times, packets);
  result['peers'] = { figures, emptyNs };
  show(
    formatTable(
      `Beside peers on dropped datagrams, in turns (${times} runs of 2 x ${packets} packets, and as many by pktgen); BPF of an empty program: ${formatSpread(emptyNs, 0)}`,
      [
        ...['tool', 'ready, s', 'BPF, ns an event', 'slow-down of the sender'],
        ...['captured', 'of', 'says it lost', 'resident, MiB', 'processor, s'],
      ],
      figures.map((figure) => [
        figure.what,
        formatSpread(figure.readyS, 2),
        figure.nsPerEvent === undefined ? '' : formatSpread(figure.nsPerEvent, 0),
        formatSpread(figure.slowDown, 2),
        String(figure.captured),
        String(figure.sent),
        figure.said.join(' '),
        formatSpread(figure.residentMiB, 1),
        formatSpread(figure.processorS, 1),
      ]),
    ),
  );
}
if (wanted.includes('together')) {
  const times = Math.min(runs, 5);
  const figures = await measureTogether(script, pair, values.peers, times, packets);
  result['together'] = figures;
  show(
    formatTable(
      `Attached together, on the same dropped datagrams (${times} runs of ${packets} packets)`,
      ['tool', 'BPF, ns an event', 'xcap to it'],
      figures.map(({ what, nsPerEvent, xcapTo }) => [
        what,
        formatSpread(nsPerEvent, 0),
        formatSpread(xcapTo, 2),
      ]),
    ),
  );
}
if (wanted.includes('many')) {
  const figures = await measureMany([xcap], pair, values.peers, Math.min(runs, 5), packets / 2);
  result['many'] = figures;
  show(
    formatTable(
      `Many functions, with a filter that nothing matches (${Math.min(runs, 5)} runs, in turns)`,
      ['tool', 'functions', 'ready, s', 'stopped, s', 'slow-down of the sender'],
      figures.map(({ what, functions, readyS, stopS, slowDown }) => [
        what,
        functions === undefined ? 'all' : String(functions),
        formatSpread(readyS, 2),
        formatSpread(stopS, 2),
        formatSpread(slowDown, 2),
      ]),
    ),
  );
}
pair.dispose();
if (values.json) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
