/**
 * What filters cost, each by itself: scripts/figures-filter. Nothing is attached: XDP programs are
 * test-run, and the kernel's own cBPF filters a socket of this process.
 */
import { parseArgs } from 'node:util';
import { openLibpcap } from '../../../src/ffi/libpcap.ts';
import type { RawProgram } from '../../../src/filter/cbpf.ts';
import { compileProgram } from '../../../src/filter/compile-expression.ts';
import { compileFilter } from '../../../src/filter/compiler.ts';
import { bytes, ethernet, icmp, ip4, ipv4, ipv6, tcp, udp, vlan } from '../packets.ts';
import { type FigureProgram, type Form, loadFigures } from './filter-programs.ts';
import { socketFilterNs } from './socket-filter.ts';
import { formatTable, spreadOf, type Spread } from './spread.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '9' },
    repeat: { type: 'string', default: '1000000' },
    json: { type: 'boolean', default: false },
  },
});
const runs = Number(values.runs);
const repeat = Number(values.repeat);

const payload = new Uint8Array(40);
const http = ethernet(
  0x0800,
  ipv4({ src: '10.0.0.1', dst: '10.0.0.2', protocol: 6 }, tcp({ dport: 443, flags: 16 }, payload)),
);
const dns = ethernet(
  0x0800,
  ipv4({ src: '10.0.0.3', dst: '10.0.0.4', protocol: 17 }, udp({ dport: 53 }, payload)),
);
const ping = ethernet(0x0800, ipv4({ protocol: 1 }, icmp(8, 0, payload)));
const six = (dport: number): Uint8Array =>
  ethernet(0x86dd, ipv6({ next: 6 }, tcp({ dport, flags: 16 }, payload)));
const tagged = (protocol: number): Uint8Array =>
  ethernet(0x8100, vlan(5, 0x0800, ipv4({ protocol }, udp({ dport: 53 }, payload))));
const to = (address: string): Uint8Array =>
  bytes(http.subarray(0, 30), ip4(address), http.subarray(34));

/** Addresses as they come in lists: a compiler must not find a rule in them. */
const scattered = (i: number): string => {
  const mixed = Math.imul(i + 1, 0x9e37_79b1) >>> 0;
  return `10.${mixed >>> 24}.${(mixed >>> 16) & 255}.${(mixed >>> 8) & 255}`;
};

const hosts = (count: number, prefix: string): string =>
  `${prefix}(${Array.from({ length: count }, (_, i) => `dst host ${scattered(i)}`).join(' or ')})`;

/** A packet that matches, in lists of terms by the last one, and one that is rejected. */
const CASES: readonly (readonly [
  name: string,
  text: string,
  match: Uint8Array,
  reject: Uint8Array,
])[] = [
  ['icmp', 'icmp', ping, dns],
  ['tcp port 443', 'tcp port 443', http, dns],
  ['host A and port B', 'host 10.0.0.2 and port 443', http, dns],
  ['ip6 and tcp port 443', 'ip6 and tcp port 443', six(443), six(80)],
  ['vlan and udp', 'vlan and udp', tagged(17), tagged(6)],
  ['60 terms: dst host A or ...', hosts(60, 'ip and '), to(scattered(59)), to('172.16.9.9')],
  ['1,000 terms', hosts(1000, 'ip and '), to(scattered(999)), to('172.16.9.9')],
];

interface Figure {
  readonly name: string;
  readonly packet: 'matched' | 'rejected';
  readonly cbpf: number;
  readonly direct: { readonly instructions: number; readonly ns: Spread };
  readonly probe: { readonly instructions: number; readonly ns: Spread };
  readonly kernelNs: Spread | undefined;
  readonly ratio: Spread | undefined;
}

const pcap = openLibpcap();
const programs = CASES.map(([, text]): RawProgram => compileProgram(text, pcap, 1));
const filters = programs.map((program, i) => compileFilter(program, { symbol: `filter${i}` }));

/** Copies of a filter in one program beyond the first: fewer of a long one. */
const MORE = filters.map(({ text }) => (text.length > 20_000 ? 1 : 9));

/** A filter once, and several times in a row: what each more costs is told by the difference. */
interface Pair {
  readonly once: FigureProgram;
  readonly often: FigureProgram;
  readonly more: number;
}

async function loadPairs(form: Form) {
  const [empty, ...once] = await loadFigures(filters, form, 1);
  const often = await Promise.all(
    filters.map(async (filter, i) => (await loadFigures([filter], form, 1 + (MORE[i] ?? 1)))[1]),
  );
  const pairs = once.map((program, i): Pair => {
    const several = often[i];
    if (several === undefined) throw new Error('a program was not loaded');
    return { once: program, often: several, more: MORE[i] ?? 1 };
  });
  if (empty === undefined) throw new Error('nothing was loaded');
  return { empty, pairs };
}

function nsOf({ once, often, more }: Pair, sample: Uint8Array, matches: boolean): number {
  const [one, many] = [once.run(sample, repeat), often.run(sample, repeat)];
  if (one.matches !== matches || many.matches !== matches) throw new Error('a wrong answer');
  return (many.ns - one.ns) / more;
}

const { empty: emptyProgram, pairs: direct } = await loadPairs('direct');
const { pairs: probe } = await loadPairs('probe');

const figures: Figure[] = [];
const empty: number[] = [];
for (const [i, [name, , match, reject]] of CASES.entries()) {
  const program = programs[i] ?? [];
  const [inPlace, byProbe] = [direct[i], probe[i]];
  if (inPlace === undefined || byProbe === undefined) throw new Error(`${name} was not loaded`);
  for (const [packet, sample] of [
    ['matched', match],
    ['rejected', reject],
  ] as const) {
    const samples = { direct: [] as number[], probe: [] as number[], kernel: [] as number[] };
    const ratios: number[] = [];
    for (let run = 0; run < runs; run += 1) {
      empty.push(emptyProgram.run(sample, repeat).ns);
      const ours = nsOf(inPlace, sample, packet === 'matched');
      samples.direct.push(ours);
      samples.probe.push(nsOf(byProbe, sample, packet === 'matched'));
      const own = socketFilterNs(program, sample, 200);
      if (own === undefined) continue;
      samples.kernel.push(own);
      ratios.push(ours / own);
    }
    figures.push({
      name,
      packet,
      cbpf: program.length,
      direct: { instructions: inPlace.once.instructions, ns: spreadOf(samples.direct) },
      probe: { instructions: byProbe.once.instructions, ns: spreadOf(samples.probe) },
      kernelNs: samples.kernel.length === 0 ? undefined : spreadOf(samples.kernel),
      ratio: ratios.length === 0 ? undefined : spreadOf(ratios),
    });
  }
}

const show = (spread: Spread | undefined, digits = 1): string =>
  spread === undefined
    ? 'refused'
    : `${spread.median.toFixed(digits)} (${spread.min.toFixed(digits)}-${spread.max.toFixed(digits)})`;
const bare = spreadOf(empty);
process.stdout.write(
  values.json
    ? `${JSON.stringify({ emptyNs: bare, figures }, null, 2)}\n`
    : formatTable(
        `ns for each packet, median (least-most) of ${runs} runs of ${repeat}; an empty program's test run takes ${show(bare)}`,
        [
          'filter',
          'packet',
          'cBPF',
          'eBPF in place',
          'ns',
          "kernel's cBPF, ns",
          'ratio',
          'by probe read',
          'ns',
        ],
        figures.map((figure) => [
          figure.name,
          figure.packet,
          String(figure.cbpf),
          String(figure.direct.instructions),
          show(figure.direct.ns),
          show(figure.kernelNs),
          show(figure.ratio, 2),
          String(figure.probe.instructions),
          show(figure.probe.ns),
        ]),
      ),
);
process.exit(0);
