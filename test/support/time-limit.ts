import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { TestRunner, type RunnerTask, type RunnerTestSuite } from 'vitest';

const isSuite = (task: RunnerTask): task is RunnerTestSuite => task.type === 'suite';

/** Skip the task and all below it. @returns full names of the tests that would have run */
function skipTask(task: RunnerTask): string[] {
  if (task.mode !== 'run' && task.mode !== 'queued') return [];
  task.mode = 'skip';
  return isSuite(task) ? task.tasks.flatMap(skipTask) : [task.fullTestName];
}

/**
 * Begins nothing behind `XCAP_UNTIL`, seconds since 1970: what is left is skipped, and its names are lines of the file
 * `not-run` in `XCAP_SHARE`.
 */
export default class TimedRunner extends TestRunner {
  readonly #untilS = Number(process.env['XCAP_UNTIL'] ?? Infinity);

  override async onBeforeRunSuite(suite: RunnerTestSuite): Promise<void> {
    this.#skipLate(suite);
    await super.onBeforeRunSuite(suite);
  }

  override async onBeforeRunTask(task: RunnerTask): Promise<void> {
    this.#skipLate(task);
    await super.onBeforeRunTask(task);
  }

  #skipLate(task: RunnerTask): void {
    if (Date.now() < this.#untilS * 1000) return;
    const names = skipTask(task);
    const share = process.env['XCAP_SHARE'];
    if (share === undefined || names.length === 0) return;
    appendFileSync(join(share, 'not-run'), names.map((name) => `${name}\n`).join(''));
  }
}
