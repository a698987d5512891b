import { appendFileSync } from 'node:fs';
import type { Reporter, TestModule } from 'vitest/node';
import { addCounts, formatCounts, noCounts, type Counts } from './counts.ts';

function countModule(module: TestModule): Counts {
  let counts = noCounts;
  for (const test of module.children.allTests()) {
    const state = test.result().state;
    counts = addCounts(counts, {
      passed: state === 'passed' ? 1 : 0,
      failed: state === 'failed' ? 1 : 0,
      skipped: state === 'skipped' || state === 'pending' ? 1 : 0,
    });
  }
  // A file that cannot be imported, or whose hooks fail, is a failure although no case of it is.
  const failedAsAWhole = module.state() === 'failed' && counts.failed === 0;
  return failedAsAWhole ? { ...counts, failed: 1 } : counts;
}

/** A vitest reporter that appends the run's counts to the file $XCAP_COUNTS, for scripts/test to add up. */
export default class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const file = process.env['XCAP_COUNTS'];
    if (file === undefined) return;
    const unhandled: Counts = { ...noCounts, failed: unhandledErrors.length };
    appendFileSync(file, formatCounts(modules.map(countModule).reduce(addCounts, unhandled)));
  }
}
