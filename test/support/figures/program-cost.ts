import type { NetnsPair } from '../netns.ts';
import { returning } from '../../../src/bpf/insn.ts';
import { ATTACH_TYPE, BpfProgram, PROG_TYPE, TracepointLink } from '../../../src/bpf/program.ts';
import { enableRunStats } from '../../../src/bpf/run-stats.ts';
import { typedefId } from '../../../src/btf/functions.ts';
import { liveReader } from '../../../src/kernel/reader.ts';
import { readKernelBtf } from '../../../src/kernel/view.ts';
import { spreadOf, type Spread } from './spread.ts';
import { Tracee } from './tracee.ts';
import { flood } from './traffic-run.ts';

export interface ProgramFigure {
  readonly what: string;
  readonly nsPerEvent: Spread;
}

/** What the kernel's own clock reading around a program costs. */
const RETURN_ZERO = Uint8Array.from(Buffer.concat(returning(0)));

/** A program at skb:kfree_skb that does nothing, until it is disposed of. */
export function attachEmpty(): Disposable & { readonly program: BpfProgram } {
  const attachBtfId = typedefId(readKernelBtf(liveReader), 'btf_trace_kfree_skb') ?? 0;
  const { tracing: type } = PROG_TYPE;
  const { traceRawTp: attachType } = ATTACH_TYPE;
  const spec = { name: 'xcap_empty', type, attachType, attachBtfId, license: 'GPL' };
  const program = BpfProgram.load(spec, RETURN_ZERO);
  const link = TracepointLink.open(program, undefined);
  const dispose = (): void => {
    link[Symbol.dispose]();
    program[Symbol.dispose]();
  };
  return { program, [Symbol.dispose]: dispose };
}

/** Of an empty program, for each event, while statistics are on: what reading the clock around one costs. */
export function measureEmpty(pair: NetnsPair, packets: number): number {
  using empty = attachEmpty();
  flood(pair, packets);
  const { runTimeNs, runCount } = empty.program.stats();
  return Number(runTimeNs) / Number(runCount);
}

/** Nanoseconds in the BPF program for each event, with the kernel's own clock reading around it. */
export async function measureProgram(
  script: readonly string[],
  pair: NetnsPair,
  runs: number,
  packets: number,
): Promise<readonly ProgramFigure[]> {
  const capture = ['-w', '/dev/null'];
  const top = (by: string): string[] => ['--by', by, '--interval', '1h'];
  const cases: readonly (readonly [
    what: string,
    netns: string,
    expression: string,
    top?: readonly string[],
  ])[] = [
    ['rejected by --netns (another namespace)', pair.a.name, 'udp port 9'],
    ['rejected by the filter: udp port 10', pair.b.name, 'udp port 10'],
    ['rejected by the filter: arp', pair.b.name, 'arp'],
    ['matched: udp port 9', pair.b.name, 'udp port 9'],
    ['matched: no expression', pair.b.name, ''],
    ['counted: top, no expression', pair.b.name, '', top('reason,location')],
    ['counted: top --by iface,netns', pair.b.name, '', top('iface,netns')],
    ['counted: top --by comm', pair.b.name, '', top('comm')],
    ['counted: top --by flow', pair.b.name, '', top('flow')],
    [
      'counted: top by everything',
      pair.b.name,
      '',
      top('hook,reason,location,iface,netns,comm,flow'),
    ],
  ];
  const stats = enableRunStats();
  try {
    const costs = cases.map((): number[] => []);
    const empty: number[] = [];
    // Alternating, so that drift of the machine falls on all cases.
    for (let run = 0; run < runs; run++) {
      empty.push(measureEmpty(pair, packets));
      for (const [i, [, netns, expression, counting]] of cases.entries()) {
        const words = expression === '' ? [] : [expression];
        const tracee = await Tracee.start(counting === undefined ? script : [...script, 'top'], [
          ...(counting ?? capture),
          '--netns',
          netns,
          ...words,
        ]);
        const before = tracee.program();
        flood(pair, packets);
        const after = tracee.program();
        await tracee.stop();
        costs[i]?.push((after.ns - before.ns) / (after.runs - before.runs));
      }
    }
    return [
      { what: 'an empty program', nsPerEvent: spreadOf(empty) },
      ...cases.map(([what], i) => ({ what, nsPerEvent: spreadOf(costs[i] ?? []) })),
    ];
  } finally {
    stats[Symbol.dispose]();
  }
}
