import { describe, expect, test } from 'vitest';
import { judgeGuest, type GuestEvidence } from '../../support/guest-verdict.ts';

interface Case {
  readonly fullName: string;
  readonly status: string;
  readonly failureMessages?: readonly string[];
}

function reportOf(cases: readonly Case[], fileStatus = 'passed', message = ''): string {
  return JSON.stringify({
    success: fileStatus === 'passed',
    testResults: [{ name: 'a.test.ts', status: fileStatus, message, assertionResults: cases }],
  });
}

const good: GuestEvidence = {
  status: 0,
  report: reportOf([
    { fullName: 'one', status: 'passed' },
    { fullName: 'two', status: 'skipped' },
  ]),
  dmesg: '[    1.0] xcap guest: start\n[    2.0] xcap guest: end\n',
  console: '',
  leaks: '',
};

describe('judgeGuest()', () => {
  test('passes a run in which cases ran, none failed and the kernel is unharmed', () => {
    expect(judgeGuest(good)).toEqual({
      counts: { passed: 1, failed: 0, skipped: 1 },
      failures: [],
      problems: [],
    });
  });

  test('names a failed case and why it failed', () => {
    const report = reportOf(
      [{ fullName: 'three', status: 'failed', failureMessages: ['expected 1\nat line 3'] }],
      'failed',
    );
    const verdict = judgeGuest({ ...good, status: 1, report });
    expect(verdict.counts.failed).toBe(1);
    expect(verdict.failures).toEqual(['three: expected 1']);
    expect(verdict.problems).toEqual(['1 failed']);
  });

  test('counts a file that could not be loaded as a failure', () => {
    const report = reportOf([], 'failed', 'no such module\n...');
    const verdict = judgeGuest({ ...good, status: 1, report });
    expect(verdict.counts.failed).toBe(1);
    expect(verdict.failures).toEqual(['a.test.ts: no such module']);
  });

  test.each<[string, Partial<GuestEvidence>, string]>([
    ['zero cases', { report: reportOf([]) }, 'zero cases ran'],
    [
      'only skipped cases',
      { report: reportOf([{ fullName: 'x', status: 'skipped' }]) },
      'zero cases ran',
    ],
    ['no report', { report: undefined }, 'no test report came back'],
    ['a report cut short', { report: '{"success":' }, 'unreadable test report'],
    ['a time limit reached', { status: 124 }, 'the time limit was reached'],
    ['a dead guest', { status: 125 }, 'the guest died'],
    ['a status that no case explains', { status: 3 }, 'the test run ended with status 3'],
    ['no kernel log', { dmesg: undefined }, 'no kernel log came back'],
    ['a leaked program', { leaks: 'prog 9 xcap_drop' }, 'left behind: prog 9 xcap_drop'],
    ['no search for leaks', { leaks: undefined }, 'nobody looked for leaked BPF objects'],
    [
      'a warning in the kernel log',
      { dmesg: '[ 9.1] WARNING: CPU: 0 PID: 7 at kernel/bpf/x.c:1 f+0x1/0x2' },
      'kernel: [ 9.1] WARNING: CPU: 0 PID: 7',
    ],
    [
      'an oops in the kernel log',
      { dmesg: '[ 9.1] BUG: kernel NULL pointer dereference, address: 0' },
      'kernel: [ 9.1] BUG: kernel NULL',
    ],
    [
      'a panic that only the console shows',
      { console: '[ 9.1] Kernel panic - not syncing: x' },
      'kernel: [ 9.1] Kernel panic',
    ],
  ])('refuses %s', (_, change, problem) => {
    const { problems } = judgeGuest({ ...good, ...change });
    expect(problems.join('\n')).toContain(problem);
  });

  test('counts the last boot of a guest, not those that died before the tests began', () => {
    const died = '[ 2.9] Kernel panic - not syncing: x\nguest 6.12: died at boot: once more\n';
    expect(judgeGuest({ ...good, console: died }).problems).toEqual([]);
    expect(judgeGuest({ ...good, console: `${died}[ 9.1] BUG: y` }).problems).toEqual([
      'kernel: [ 9.1] BUG: y',
    ]);
  });

  test('does not take a harmless line that speaks of warnings for one', () => {
    const dmesg = '[ 0.1] debug: warnings are on\n[ 0.2] DEBUG: fine\n';
    expect(judgeGuest({ ...good, dmesg }).problems).toEqual([]);
  });
});
