import { describe, expect, test } from 'vitest';
import { parseBy, parseInterval } from '../../../src/cli/commands/top.ts';
import { runInProcess } from '../../support/cli.ts';

async function errorsOf(...args: string[]): Promise<{ status: number; err: string }> {
  const { status, err } = await runInProcess(['top', ...args], { isTerminal: false });
  return { status, err };
}

describe('xcap top', () => {
  test.each([
    [
      ['--by', 'reasons'],
      'reading the command line: --by: reasons: no such thing\n' +
        '  did you mean reason? --by takes hook, reason, location, iface, netns, comm, flow\n',
    ],
    [
      ['--by', 'reason,,flow'],
      'reading the command line: --by: reason,,flow: a name is empty\n' +
        '  --by takes hook, reason, location, iface, netns, comm, flow\n',
    ],
    [
      ['--interval', 'soon'],
      'reading the command line: --interval: soon: not a time\n' +
        '  for example --interval 10s, --interval 500ms or --interval 2m\n',
    ],
    [
      ['--interval', '99ms'],
      'reading the command line: --interval: 99ms: out of range\n  --interval takes 100ms to 596h\n',
    ],
    [
      ['--max-rows', '0'],
      'reading the command line: --max-rows: 0: out of range\n  --max-rows takes 1 to 4194304\n',
    ],
    [
      ['-w', 'a.pcapng'],
      'reading the command line: -w: xcap has no such option: top counts packets and keeps none\n' +
        '  leave it out, or capture: xcap -w ...\n',
    ],
    [
      ['-c', '5'],
      'reading the command line: -c: xcap has no such option: top counts packets and keeps none\n' +
        '  --duration TIME ends it\n',
    ],
    [
      ['--by', 'flow', '--by', 'comm'],
      'reading the command line: --by: given twice: flow and comm\n  give it once\n',
    ],
  ])('%j is refused with a remedy', async (args, message) => {
    expect(await errorsOf(...args)).toEqual({ status: 1, err: `xcap: ${message}` });
  });

  test('--by is a list without doubles, in the order given', () => {
    expect(parseBy('--by', 'flow, reason,flow')).toEqual(['flow', 'reason']);
  });

  test('--interval is as --duration', () => {
    expect(parseInterval('--interval', '2')).toBe(2000);
    expect(parseInterval('--interval', '100ms')).toBe(100);
    expect(parseInterval('--interval', '1.5s')).toBe(1500);
  });
});
