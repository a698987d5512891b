import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkout } from '../../support/guest.ts';
import { rankOf } from '../../support/important-first.ts';

describe('important files', () => {
  it('come first, those that nobody named last', () => {
    const files = ['kernel/xdpmap.test.ts', 'kernel/drop.test.ts', 'kernel/xdp.test.ts'];
    const first = ['kernel/xdp.test', 'drop'];
    expect(files.map((file) => rankOf(file, first))).toEqual([2, 1, 0]);
  });
});

const BEGUN = new Set(['passed', 'failed']);

interface Report {
  testResults: { assertionResults: { title: string; status: string }[] }[];
}

describe('a run of tests past its time', () => {
  let share: string;
  beforeEach(() => {
    share = mkdtempSync(join(tmpdir(), 'xcap-test-'));
  });
  afterEach(() => {
    rmSync(share, { recursive: true });
  });

  /** Runs vitest, which is to be at its end at `until`. */
  function run(until: string, ...args: string[]): { report: Report; notRun: string[] } {
    const report = join(share, 'report.json');
    const vitest = join(checkout, 'node_modules/vitest/vitest.mjs');
    const { status, stderr } = spawnSync(
      process.execPath,
      [vitest, 'run', ...args, '--reporter=json', `--outputFile=${report}`],
      { cwd: checkout, env: { ...process.env, XCAP_UNTIL: until, XCAP_SHARE: share } },
    );
    expect(status, String(stderr)).toBe(0);
    return {
      report: JSON.parse(readFileSync(report, 'utf8')) as Report,
      notRun: readFileSync(join(share, 'not-run'), 'utf8').trimEnd().split('\n'),
    };
  }

  const outcomes = (report: Report): Record<string, string> =>
    Object.fromEntries(
      report.testResults
        .flatMap((file) => file.assertionResults)
        .map(({ title, status }) => [title, status]),
    );

  it('reads no file of the kernel tests and names each', () => {
    const { report, notRun } = run('1', '--project=kernel', 'kernel/rules', 'kernel/smoke');
    const files = ['all of rules.test.ts', 'all of smoke.test.ts'];
    expect(notRun.toSorted()).toEqual(files);
    expect(Object.keys(outcomes(report)).toSorted()).toEqual(files);
    expect(Object.values(outcomes(report)).filter((status) => BEGUN.has(status))).toEqual([]);
  });

  it('ends a file in its middle and names the tests that were left, once each', () => {
    const hourS = 3600;
    const runner = join(checkout, 'test/support/time-limit.ts');
    const config = { test: { runner, globals: true } };
    writeFileSync(join(share, 'vitest.config.mjs'), `export default ${JSON.stringify(config)};`);
    writeFileSync(
      join(share, 'slow.test.js'),
      `
      const { now } = Date;
      test('in time', () => { Date.now = () => now() + ${2 * hourS * 1000}; });
      test('late', () => expect.unreachable());
      test.skip('not wanted', () => expect.unreachable());
      describe('a late suite', () => {
        beforeAll(() => expect.unreachable());
        test('a', () => expect.unreachable());
        test('b', () => expect.unreachable());
      });`,
    );
    const { report, notRun } = run(String(Date.now() / 1000 + hourS), `--root=${share}`);
    expect(notRun).toEqual(['late', 'a late suite > a', 'a late suite > b']);
    const begun = Object.entries(outcomes(report)).filter(([, status]) => BEGUN.has(status));
    expect(begun).toEqual([['in time', 'passed']]);
  });
});
