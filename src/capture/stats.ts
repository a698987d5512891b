import { COUNTERS, REJECTED_LABELS, type Counter } from '../abi/counters.ts';
import type { HookStats } from '../output/sink.ts';

/** What the reader knows of one hook beside the kernel's counters. */
export interface ReaderCounts {
  /** Records handed to the outputs. */
  readonly written: number;
  /** Still in the ring when -c, --duration or a write error ended the run. */
  readonly left: number;
  /** The kernel's recursion_misses of the hook's program. */
  readonly recursionMisses: number;
}

/** Kernel counters of one hook, summed over CPUs, in the order of COUNTERS. */
export type KernelCounts = readonly number[];

const COUNTER_BYTES = 8;
const CPU_BYTES = COUNTERS.length * COUNTER_BYTES;

const viewOf = (value: Uint8Array): DataView =>
  new DataView(value.buffer, value.byteOffset, value.byteLength);

/**
 * Exact to 2^53, and no bigint for each of 1,500 hooks' counters. One that goes down again can do so on another CPU, where
 * it is less than 0.
 */
const counterAt = (view: DataView, at: number): number =>
  view.getInt32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);

/** Splits the value of a per-CPU counter map and adds the CPUs up. */
export function sumCounters(value: Uint8Array, possibleCpus: number): KernelCounts {
  const view = viewOf(value);
  return COUNTERS.map((_, i) => {
    let sum = 0;
    for (let cpu = 0; cpu < possibleCpus; cpu++) {
      sum += counterAt(view, cpu * CPU_BYTES + i * COUNTER_BYTES);
    }
    return sum;
  });
}

/** One counter of all hooks and CPUs. @param values of a per-CPU counter map, one behind the other */
export function sumCounter(values: Uint8Array, counter: Counter): number {
  const view = viewOf(values);
  let sum = 0;
  for (let at = COUNTERS.indexOf(counter) * COUNTER_BYTES; at < view.byteLength; at += CPU_BYTES) {
    sum += counterAt(view, at);
  }
  return sum;
}

const WAITING = COUNTERS.indexOf('waiting');
const SKIPPED = COUNTERS.indexOf('skipped');
const SAMPLED_OUT = COUNTERS.indexOf('sampled_out');

/**
 * `seen = skipped + rejected + matched`, `matched = sampled out + lost + written + left`; missed and unreturned
 * stand apart.
 */
export function hookStats(hook: string, kernel: KernelCounts, reader: ReaderCounts): HookStats {
  const rejected: Record<string, number> = {};
  let rejectedSum = 0;
  const skipped = kernel[SKIPPED] ?? 0;
  const sampledOut = kernel[SAMPLED_OUT] ?? 0;
  let matched = sampledOut;
  let lost = 0;
  let missed = reader.recursionMisses;
  COUNTERS.forEach((counter, i) => {
    const count = kernel[i] ?? 0;
    const label = REJECTED_LABELS[counter];
    if (label !== undefined) {
      rejectedSum += count;
      if (count > 0) rejected[label] = count;
    } else if (counter === 'missed') missed += count;
    else if (counter === 'lost') {
      lost += count;
      matched += count;
    } else if (counter === 'submitted') matched += count;
  });
  return {
    hook,
    unreturned: kernel[WAITING] ?? 0,
    seen: skipped + rejectedSum + matched,
    skipped,
    rejected,
    matched,
    sampledOut,
    written: reader.written,
    lost,
    left: reader.left,
    missed,
  };
}

/** Undefined when the sums of README hold, else what is off: a bug worth a line on stderr. */
export function sumsError(stats: HookStats): string | undefined {
  const rejected = Object.values(stats.rejected).reduce((sum, count) => sum + count, 0);
  if (stats.seen !== stats.skipped + rejected + stats.matched) {
    return 'seen is not skipped + rejected + matched';
  }
  if (stats.matched !== stats.sampledOut + stats.lost + stats.written + stats.left) {
    return 'matched is not sampled out + lost + written + left';
  }
  return undefined;
}
