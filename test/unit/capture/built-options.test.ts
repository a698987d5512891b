import { describe, expect, it } from 'vitest';
import { chooseOptions } from '../../../src/capture/built-options.ts';
import type { BuiltOptions } from '../../../src/capture/built-program.ts';
import type { CaptureOptions } from '../../../src/capture/options.ts';
import { captureOptions } from '../../../src/cli/capture-options.ts';
import { splitLine } from '../../../src/cli/getopt.ts';
import { Given } from '../../../src/cli/given.ts';
import { optionsOf } from '../../../src/cli/options.ts';
import { UsageError } from '../../../src/errors.ts';
import { BUILT } from './support/built.ts';

/** What a command line leaves to the run. */
function choices(...args: string[]): CaptureOptions {
  const { given } = splitLine(args, optionsOf('capture'), () => false);
  const text = (): string => '';
  return captureOptions(new Given(given), [], {
    ...{ env: {}, readExpression: text, readText: text },
    resolveDevice: (_spelled, name) => name,
  });
}

const choose = (options: Partial<BuiltOptions>, ...args: string[]): CaptureOptions =>
  chooseOptions({ ...BUILT.options, ...options }, choices(...args), 'x.xcap');

describe('chooseOptions()', () => {
  it('takes what was compiled as it was built, and the rest from the run', () => {
    const options = choose({}, '--pid', '7', '-w', 'a.pcapng', '-c', '5', '-v', '--json');
    expect(options).toMatchObject({
      ...{
        hooks: ['drop', 'rx'],
        backend: 'kprobe-multi',
        expression: 'icmp or "ü"',
        snaplen: 128,
      },
      ...{
        ringKiB: 4096,
        where: ['len > 100'],
        interface: 'eth0@blue',
        withoutFeature: ['skb-dynptr'],
      },
      ...{ write: 'a.pcapng', count: 5, format: 'json' },
    });
    expect(options.text.verbose).toBe(1);
    expect(options.userC.filter).toMatchObject({ option: '--filter-c', path: 'mine.c' });
  });

  it('takes other namespaces, processes and devices, as many as were built in', () => {
    const options = choose({}, '--pid', '7', '--netns', 'a', '--netns', '!b', '-i', 'eth9');
    expect(options.interface).toBe('eth9');
    expect(options.metadata.map(({ key, negate, value }) => [key, negate, value])).toEqual([
      ['comm', true, 'curl'],
      ['mark', false, 0x10],
      ['netns', false, 'a'],
      ['netns', true, 'b'],
      ['pid', false, 7],
      ['container', false, '0123'],
    ]);
  });

  it('keeps the namespaces that it was built with', () => {
    const { metadata } = choose({}, '--pid', '7');
    expect(metadata.filter(({ key }) => key === 'netns').map(({ value }) => value)).toEqual([
      'blue',
      'red',
    ]);
  });

  it.each([
    [[], 'it is built for --pid: its number is missing'],
    [['--pid', '1', '--pid', '2'], '--pid: given 2, built with 1'],
    [['--pid', '!1'], '--pid: given 1 negated, built with 1'],
    [['--pid', '1', '--netns', 'a'], '--netns: given 1, built with 1 and 1 negated'],
    [['--pid', '1', '--tid', '2'], '--tid: given 1, built with none'],
  ])('refuses %j', (args, message) => {
    const refused = (): unknown => choose({}, ...args);
    expect(refused).toThrow(UsageError);
    expect(refused).toThrow(`running x.xcap: ${message}`);
  });

  it('takes another sample, but none where all were to be seen', () => {
    expect(choose({}, '--pid', '1').sample).toBe(10);
    expect(choose({}, '--pid', '1', '--sample', '1/7').sample).toBe(7);
    expect(() => choose({ sample: undefined }, '--pid', '1', '--sample', '1/7')).toThrow(
      '--sample: it is built without',
    );
    expect(() => choose({}, '--pid', '1', '--max-overhead', '2%')).toThrow(
      '--max-overhead: it is built without',
    );
  });

  it('refuses a device where it was built for all', () => {
    expect(() => choose({ interface: undefined }, '--pid', '1', '-i', 'eth0')).toThrow(
      '-i: it is built for all devices',
    );
  });
});
