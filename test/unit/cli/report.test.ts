import { describe, expect, test } from 'vitest';
import { reportError } from '../../../src/cli/report.ts';
import {
  FilterError,
  RuntimeError,
  SystemError,
  UsageError,
  VerifierError,
} from '../../../src/errors.ts';

function report(error: unknown, debug = false): { status: number; lines: string[] } {
  const lines: string[] = [];
  const log = {
    note: (message: string) => void lines.push(`xcap: ${message}`),
    text: (text: string) => void lines.push(text),
  };
  return { status: reportError(error, log, debug), lines };
}

describe('reportError() says', () => {
  test('one line, and the remedy on a second', () => {
    const error = new UsageError('doing: this: why', { hint: 'do that' });
    expect(report(error)).toEqual({ status: 1, lines: ['xcap: doing: this: why', '  do that'] });
  });

  test('one line only where there is no remedy', () => {
    expect(report(new RuntimeError('a: b:\n c')).lines).toEqual(['xcap: a: b:; c']);
  });

  test('the expression with a caret', () => {
    const error = new FilterError('icmp and and', 9, 'compiling the filter: syntax error', {
      hint: 'man 7 pcap-filter',
    });
    expect(report(error)).toEqual({
      status: 2,
      lines: [
        'xcap: compiling the filter: syntax error',
        '  icmp and and',
        '           ^',
        '  man 7 pcap-filter',
      ],
    });
  });

  test('status 3 for a refused system call', () => {
    expect(report(new SystemError('bpf', 1, 'EPERM', 'loading: bpf: EPERM')).status).toBe(3);
  });

  test('nothing about a reader that went away', () => {
    const error = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' });
    expect(report(error)).toEqual({ status: 0, lines: [] });
  });

  test('that an unknown error is a bug, with the stack only when asked', () => {
    const quiet = report(new TypeError('x is\nnot y'));
    expect(quiet.status).toBe(5);
    expect(quiet.lines).toEqual([
      'xcap: running: an error that xcap does not know: TypeError: x is; not y',
      '  this is a bug; XCAP_DEBUG=1 shows where',
    ]);
    const loud = report(new RuntimeError('a', { cause: new Error('b') }), true).lines.join('\n');
    expect(loud).toMatch(/report\.test\.ts[^]*caused by: Error: b/);
    const refused = new VerifierError('a', 'R1 invalid\nmem access');
    expect(report(refused, true).lines.join('\n')).toContain('R1 invalid\nmem access');
    expect(report(refused).lines.join('\n')).not.toContain('R1 invalid');
    expect(report('text').lines[0]).toContain('text');
  });
});
