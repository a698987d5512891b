import { appendFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test, TestRunner, type RunnerTask, type RunnerTestSuite } from 'vitest';

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

  /** Reading a file of tests takes a guest up to a minute: it is not done for nothing. */
  override importFile(...[file, source]: Parameters<TestRunner['importFile']>): unknown {
    if (source !== 'collect' || !this.#isLate()) return super.importFile(file, source);
    const name = `all of ${basename(file)}`;
    test.skip(name);
    this.#tell([name]);
    return undefined;
  }

  override async onBeforeRunSuite(suite: RunnerTestSuite): Promise<void> {
    this.#skipLate(suite);
    await super.onBeforeRunSuite(suite);
  }

  override async onBeforeRunTask(task: RunnerTask): Promise<void> {
    this.#skipLate(task);
    await super.onBeforeRunTask(task);
  }

  #skipLate(task: RunnerTask): void {
    if (this.#isLate()) this.#tell(skipTask(task));
  }

  #isLate(): boolean {
    return Date.now() >= this.#untilS * 1000;
  }

  #tell(names: readonly string[]): void {
    const share = process.env['XCAP_SHARE'];
    if (share === undefined || names.length === 0) return;
    appendFileSync(join(share, 'not-run'), names.map((name) => `${name}\n`).join(''));
  }
}
