import { noCounts, type Counts } from './counts.ts';

/** What a guest's run of the kernel tests left behind, as text; undefined: the file is not there. */
export interface GuestEvidence {
  /** Exit status of scripts/guest/boot: the test run's own, or 124 and 125 of boot. */
  readonly status: number;
  /** vitest's JSON report. */
  readonly report: string | undefined;
  readonly dmesg: string | undefined;
  readonly console: string;
  /** One line for each BPF object named xcap* that outlived the tests. */
  readonly leaks: string | undefined;
}

export interface GuestVerdict {
  readonly counts: Counts;
  /** Names of failed cases, with the first line of why. */
  readonly failures: readonly string[];
  /** Everything that makes the run a failure; empty: it passed. */
  readonly problems: readonly string[];
}

/** The parts of vitest's JSON report (the form of Jest's) that are read here. */
interface JsonReport {
  readonly success: boolean;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages?: readonly string[] | null;
    }[];
  }[];
}

/**
 * Lines by which a kernel complains of itself: lib/bug.c, kernel/panic.c, arch/x86/kernel/dumpstack.c, the watchdogs
 * and the sanitizers. "BUG:" covers soft lockups too.
 */
const kernelComplaint =
  /\b(WARNING:|BUG:|Oops|Kernel panic|general protection fault|kernel BUG at|UBSAN:|KASAN:|detected stall|blocked for more than|unregister_netdevice: waiting)/;

function complaints(log: string): string[] {
  return log.split('\n').filter((line) => kernelComplaint.test(line));
}

/** What scripts/guest/boot says between the boots of one guest. */
const ONCE_MORE = 'died at boot: once more';

function firstLine(text: string | undefined): string {
  return text?.split('\n', 1)[0] ?? '';
}

function judgeReport(text: string | undefined): GuestVerdict {
  if (text === undefined) {
    return { counts: noCounts, failures: [], problems: ['no test report came back'] };
  }
  let report: JsonReport;
  try {
    report = JSON.parse(text) as JsonReport;
  } catch (error) {
    return {
      counts: noCounts,
      failures: [],
      problems: [`unreadable test report: ${String(error)}`],
    };
  }
  let passed = 0;
  let skipped = 0;
  const failures: string[] = [];
  for (const file of report.testResults) {
    let failedHere = 0;
    for (const test of file.assertionResults) {
      if (test.status === 'passed') {
        passed += 1;
      } else if (test.status === 'failed') {
        failedHere += 1;
        failures.push(`${test.fullName}: ${firstLine(test.failureMessages?.[0])}`);
      } else {
        skipped += 1;
      }
    }
    if (file.status === 'failed' && failedHere === 0) {
      failures.push(`${file.name}: ${firstLine(file.message)}`);
    }
  }
  const problems: string[] = [];
  if (failures.length > 0) problems.push(`${failures.length} failed`);
  if (passed + failures.length === 0) problems.push('zero cases ran');
  if (!report.success && failures.length === 0) problems.push('the test run failed as a whole');
  return { counts: { passed, failed: failures.length, skipped }, failures, problems };
}

/** Decide whether a guest's run counts as passed: every case, and the kernel unharmed. */
export function judgeGuest(evidence: GuestEvidence): GuestVerdict {
  const verdict = judgeReport(evidence.report);
  const problems = [...verdict.problems];
  if (evidence.status === 124) problems.push('the time limit was reached');
  else if (evidence.status === 125) problems.push('the guest died, or was never started');
  else if (evidence.status !== 0 && problems.length === 0) {
    problems.push(`the test run ended with status ${evidence.status}`);
  }
  if (evidence.dmesg === undefined) problems.push('no kernel log came back');
  // A panic reaches the console only.
  const lastBoot = evidence.console.split(ONCE_MORE).at(-1) ?? '';
  const said = new Set([...complaints(evidence.dmesg ?? ''), ...complaints(lastBoot)]);
  for (const line of said) problems.push(`kernel: ${line}`);
  if (evidence.leaks === undefined) problems.push('nobody looked for leaked BPF objects');
  for (const line of evidence.leaks?.split('\n') ?? []) {
    if (line !== '') problems.push(`left behind: ${line}`);
  }
  return { ...verdict, problems };
}
