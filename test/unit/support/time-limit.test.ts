import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkout } from '../../support/guest.ts';
import { rankOf } from '../../support/important-first.ts';

describe('important files', () => {
  it('come first, those that nobody named last', () => {
    const files = ['kernel/xdpmap.test.ts', 'kernel/drop.test.ts', 'kernel/xdp.test.ts'];
    const first = ['kernel/xdp.test', 'drop'];
    expect(files.map((file) => rankOf(file, first))).toEqual([2, 1, 0]);
  });
});

describe('a run of the kernel tests past its time', () => {
  let share: string;
  let report: { numTotalTests: number; testResults: { assertionResults: { status: string }[] }[] };
  beforeAll(() => {
    share = mkdtempSync(join(tmpdir(), 'xcap-test-'));
    const file = join(share, 'report.json');
    const vitest = join(checkout, 'node_modules/vitest/vitest.mjs');
    const run = spawnSync(
      process.execPath,
      [
        vitest,
        'run',
        '--project=kernel',
        'rules',
        'smoke',
        '--reporter=json',
        `--outputFile=${file}`,
      ],
      { cwd: checkout, env: { ...process.env, XCAP_UNTIL: '1', XCAP_SHARE: share } },
    );
    expect(run.status, String(run.stderr)).toBe(0);
    report = JSON.parse(readFileSync(file, 'utf8')) as typeof report;
  });
  afterAll(() => {
    rmSync(share, { recursive: true });
  });

  it('begins nothing', () => {
    const tests = report.testResults.flatMap((file) => file.assertionResults);
    expect(tests.length).toBeGreaterThan(1);
    expect(tests.filter(({ status }) => status === 'passed' || status === 'failed')).toEqual([]);
  });

  it('names what it left out', () => {
    const names = readFileSync(join(share, 'not-run'), 'utf8').trimEnd().split('\n');
    expect(names).toContain('captures ten dropped pings');
    expect(new Set(names).size).toBe(names.length);
    expect(names.length).toBeLessThanOrEqual(report.numTotalTests);
  });
});
