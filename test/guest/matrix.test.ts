import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { formatCounts } from '../support/counts.ts';
import { judgeGuest, type GuestEvidence } from '../support/guest-verdict.ts';
import { checkout, guestVersions, runGuest } from '../support/guest.ts';
import {
  formatCell,
  HOOK_ROWS,
  parseTable,
  readProofs,
  replaceTable,
  thisKernel,
  type HookRow,
} from '../support/hook-table.ts';
import { buildSender, SENDERS } from '../support/traffic.ts';

/** Only these, if given: XCAP_GUESTS="5.10 6.1". */
const chosen = process.env['XCAP_GUESTS']?.split(' ') ?? guestVersions;
const versions = guestVersions.filter((version) => chosen.includes(version));
const timeoutS = Number(process.env['XCAP_GUEST_TIMEOUT'] ?? 2100);
/** Seconds behind which a guest begins no other test; without it each runs its whole list. */
const budget = process.env['XCAP_GUEST_BUDGET'] ?? '';
const results = join(checkout, '.cache/guests');

/** Names of the tests that a guest's last run left out for want of time. */
function notRun(version: string): string[] {
  const file = join(results, version, 'not-run');
  return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
}

/**
 * The kernel changes its static branches by way of a breakpoint (text_poke_bp()), and an emulated processor can still meet
 * that when it is gone: seen once, in netif_rx_internal(), which no test touches.
 */
const PATCHED_UNDER_A_PROCESSOR = /Oops: int3: /;

/** Two at a time (maxConcurrency of vitest.config.ts): each emulates two processors on the two that CI has. */
describe.concurrent('the kernel tests', () => {
  beforeAll(() => {
    const built =
      !existsSync(join(checkout, 'src/main.ts')) || existsSync(join(checkout, 'dist/main.cjs'));
    if (!built) throw new Error('not built: run scripts/setup first');
    // The guests find them built: a compiler is slow there.
    for (const name of SENDERS) buildSender(name);
  });

  test.each(versions)('pass on %s and leave its kernel as it was', async (version) => {
    const share = join(results, version);
    const started = Date.now();
    const run = (): Promise<GuestEvidence> => {
      rmSync(share, { recursive: true, force: true });
      mkdirSync(share, { recursive: true });
      return runGuest({
        version,
        script: join(checkout, 'test/guest/run-kernel-tests'),
        share,
        timeoutS,
        env: {
          ...{ CI: 'true', NO_COLOR: '1' },
          XCAP_KERNEL_TESTS: process.env['XCAP_KERNEL_TESTS'] ?? '',
          XCAP_KERNEL_CASES: process.env['XCAP_KERNEL_CASES'] ?? '',
          XCAP_GUEST_BUDGET: budget,
        },
      });
    };
    let evidence = await run();
    if (PATCHED_UNDER_A_PROCESSOR.test(evidence.console)) {
      console.log(`kernel ${version}: its processor ran code that was being patched: once more`);
      evidence = await run();
    }
    writeFileSync(join(share, 'console'), evidence.console);
    const verdict = judgeGuest(evidence);
    const { passed, failed, skipped } = verdict.counts;
    const seconds = Math.round((Date.now() - started) / 1000);
    const late = notRun(version);
    console.log(
      [
        `kernel ${version}: ${passed} passed, ${failed} failed, ${skipped} skipped in ${seconds} s`,
        ...(late.length > 0
          ? [`  not begun within ${budget} s, ${late.length} of the skipped:`]
          : []),
        ...late.map((name) => `    ${name}`),
        ...verdict.failures.map((failure) => `  failed: ${failure}`),
        ...verdict.problems.map((problem) => `  problem: ${problem}`),
      ].join('\n'),
    );
    const counts = process.env['XCAP_COUNTS'];
    if (counts !== undefined) appendFileSync(counts, formatCounts(verdict.counts));
    const tail = evidence.console.split('\n').slice(-40).join('\n');
    // The first line is the one that summaries of a run keep.
    const why = [...verdict.problems, ...verdict.failures].join('; ');
    expect(verdict.problems, `${why}\nthe end of ${version}'s console:\n${tail}`).toEqual([]);
  });
});

/** XCAP_UPDATE_TABLE=1 writes it instead. Of the columns only those are judged whose kernels' tests ran. */
describe('the table of hooks in docs/kernels.md', () => {
  const page = join(checkout, 'docs/kernels.md');
  const columns = new Map(
    [...guestVersions]
      .reverse()
      .map((kernel) => [kernel as string, () => readProofs(kernel, true)] as const)
      .concat([['6.18', () => readProofs('6.18', false)]])
      .sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true })),
  );

  test.runIf(process.env['XCAP_UPDATE_TABLE'] === '1')('is written anew', () => {
    const proofs = new Map([...columns].map(([kernel, read]) => [kernel, read()]));
    writeFileSync(page, replaceTable(readFileSync(page, 'utf8'), proofs));
  });

  const ran = [...columns.keys()].filter(
    (kernel) => kernel === thisKernel || versions.some((version) => version === kernel),
  );
  test.each(ran)('is what the tests have seen on %s', (kernel) => {
    const proofs = columns.get(kernel)?.() ?? new Map<HookRow, Set<string>>();
    const written = parseTable(readFileSync(page, 'utf8')).get(kernel);
    for (const [row, title] of Object.entries(HOOK_ROWS)) {
      const seen = proofs.get(row as HookRow);
      // Only some tests run on each kernel by default: they say nothing of the other rows.
      if (seen === undefined) continue;
      const cell = written?.get(title);
      if (notRun(kernel).length === 0) expect(cell, `${title} on ${kernel}`).toBe(formatCell(seen));
      else
        for (const how of seen) expect(cell?.split(', '), `${title} on ${kernel}`).toContain(how);
    }
  });
});
