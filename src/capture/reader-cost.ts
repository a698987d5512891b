import { readFileSync } from 'node:fs';
import type { ReaderCost } from './own-cost.ts';

/** What xcap's own process takes; the compiler's is apart, and gone when the capture begins. */
export class ReaderMeter {
  #start = process.cpuUsage();
  #startedAt = performance.now();

  /** The start is over: what comes from here on is the capture. */
  begin(): void {
    this.#start = process.cpuUsage();
    this.#startedAt = performance.now();
  }

  /** User and system time of all its threads since the beginning. */
  cpuNs(): number {
    return nanoseconds(process.cpuUsage(this.#start));
  }

  read(): ReaderCost {
    return {
      cpuNs: this.cpuNs(),
      elapsedNs: 1e6 * (performance.now() - this.#startedAt),
      startCpuNs: nanoseconds(this.#start),
      residentKiB: process.memoryUsage.rss() / 1024,
      ringKiB: residentRing(),
    };
  }
}

const nanoseconds = ({ user, system }: NodeJS.CpuUsage): number => 1e3 * (user + system);

/** Kernels without CONFIG_PROC_PAGE_MONITOR have no such file. */
function residentRing(): number | undefined {
  try {
    return ringKiB(readFileSync('/proc/self/smaps', 'utf8'));
  } catch {
    return undefined;
  }
}

/** Resident pages of mapped BPF maps in the text of /proc/PID/smaps. */
export function ringKiB(smaps: string): number {
  let sum = 0;
  let inRing = false;
  for (const line of smaps.split('\n')) {
    if (/^[0-9a-f]+-[0-9a-f]+ /.test(line)) inRing = line.endsWith('bpf-map');
    else if (inRing && line.startsWith('Rss:')) sum += Number(/\d+/.exec(line)?.[0]);
  }
  return sum;
}
