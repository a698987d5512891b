/** How many cases passed, failed and were skipped; what every step of scripts/test ends in. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export const noCounts: Counts = { passed: 0, failed: 0, skipped: 0 };

export function addCounts(a: Counts, b: Counts): Counts {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
  };
}

/** The line that scripts/test adds up: three decimal numbers. */
export function formatCounts(counts: Counts): string {
  return `${counts.passed} ${counts.failed} ${counts.skipped}\n`;
}
