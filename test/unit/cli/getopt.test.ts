import { describe, expect, test } from 'vitest';
import { splitLine } from '../../../src/cli/getopt.ts';
import { optionsOf } from '../../../src/cli/options.ts';
import { UsageError } from '../../../src/errors.ts';

const options = optionsOf('capture');

/** `-i=any` for each option given, then the words, and those behind `--` where there is one. */
function split(...args: string[]) {
  const { given, words, after } = splitLine(args, options);
  return {
    given: given.map(({ spelled, argument }) =>
      argument === undefined ? spelled : `${spelled}=${argument}`,
    ),
    words,
    ...(after === undefined ? {} : { after }),
  };
}

function refusal(...args: string[]): UsageError {
  try {
    splitLine(args, options);
  } catch (error) {
    if (error instanceof UsageError) return error;
    throw error;
  }
  throw new Error(`accepted: ${args.join(' ')}`);
}

describe('splitLine() leaves the words of an expression as they are', () => {
  test.each<[string, string[]]>([
    ['hexadecimal numbers', ['port', '0x50']],
    ['brackets and comparisons', ['tcp[13]', '==', '2']],
    ['not', ['not', 'icmp']],
    ['an exclamation mark', ['!icmp']],
    ['a quoted expression', ['tcp[tcpflags] & tcp-syn != 0']],
    ['octal-looking numbers', ['host', '010.1.2.3']],
    ['plain numbers', ['port', '080', 'or', '1e3', 'or', '1_000']],
    ['words with dots', ['host', 'a.b.c', 'or', 'net', '10.0.0.0/8']],
    ['words with an equals sign', ['tcp[0]=1', 'a=b']],
    ['quotes', [`"icmp"`, `'icmp'`]],
    ['a minus sign', ['tcp[4:4]', '-', '1', '=', '5']],
    ['negative numbers', ['tcp[13]', '==', '-1', 'or', '-0x1']],
    ['an empty word', ['']],
    ['words that yargs would take for booleans', ['true', 'false']],
    ['camel case and dashes', ['tcp-syn', 'tcpSyn']],
  ])('%s', (_name, args) => {
    expect(split(...args)).toEqual({ given: [], words: args });
  });

  test('after -- all stands apart, a second -- as well', () => {
    expect(split('-n', '--', '-i', 'eth0', '--', '--hook')).toEqual({
      given: ['-n'],
      words: [],
      after: ['-i', 'eth0', '--', '--hook'],
    });
    expect(split('--', 'filter')).toEqual({ given: [], words: [], after: ['filter'] });
    expect(split('icmp', '--')).toEqual({ given: [], words: ['icmp'], after: [] });
  });
});

describe('splitLine() reads options as getopt_long() does for tcpdump', () => {
  test.each<[string[], string[], string[]]>([
    [['-nnvvi', 'any'], ['-n', '-n', '-v', '-v', '-i=any'], []],
    [['-nnvviany', 'icmp'], ['-n', '-n', '-v', '-v', '-i=any'], ['icmp']],
    [['-ni', 'any'], ['-n', '-i=any'], []],
    [['-c10'], ['-c=10'], []],
    [['-s0'], ['-s=0'], []],
    [['-w-'], ['-w=-'], []],
    [['-w', '-'], ['-w=-'], []],
    [['-w', '--', 'icmp'], ['-w=--'], ['icmp']],
    [['-tttt'], ['-t', '-t', '-t', '-t'], []],
    [['-XX', '-A'], ['-X', '-X', '-A'], []],
    [['-i', 'eth0@blue'], ['-i=eth0@blue'], []],
    [['-i=eth0'], ['-i==eth0'], []],
    [['--interface=eth0'], ['--interface=eth0'], []],
    [['--interface', 'eth0'], ['--interface=eth0'], []],
    [['--comm='], ['--comm='], []],
    [['--comm="x y"'], ['--comm="x y"'], []],
    [['--comm', '-n'], ['--comm=-n'], []],
    [['--comm=a=b'], ['--comm=a=b'], []],
    [['--pid', '!0012'], ['--pid=!0012'], []],
    [['--hook', 'rx', '--hook=tx'], ['--hook=rx', '--hook=tx'], []],
    [['-F', 'f', '-y', 'RAW', '-dd'], ['-F=f', '-y=RAW', '-d', '-d'], []],
  ])('%j', (args, given, words) => {
    expect(split(...args)).toEqual({ given, words });
  });

  test('options may follow words, as with glibc', () => {
    expect(split('icmp', '-n', 'or', '-c', '1', 'arp')).toEqual({
      given: ['-n', '-c=1'],
      words: ['icmp', 'or', 'arp'],
    });
  });

  test('long names are not abbreviated, nor negated by --no-', () => {
    expect(refusal('--dur', '1').hint).toBe('did you mean --duration?');
    expect(refusal('--no-utc').message).toContain('--no-utc: no such option');
    expect(refusal('--absoluteTcpSequenceNumbers').message).toContain('no such option');
    expect(refusal('--json.x').message).toContain('no such option');
  });
});

describe('splitLine() refuses', () => {
  test.each<[string[], string, string | undefined]>([
    [['--hok', 'x'], 'reading the command line: --hok: no such option', 'did you mean --hook?'],
    [['-nk'], 'reading the command line: -k: no such option', undefined],
    [['--zzzzzz'], 'reading the command line: --zzzzzz: no such option', undefined],
    [['-c'], 'reading the command line: -c: its argument is missing', '-c COUNT'],
    [['--utc=1'], 'reading the command line: --utc: it takes no argument', '--utc'],
    [['--max-rate=1/s'], '--max-rate: not yet', undefined],
    [['-nr', 'f'], '-r: not yet', undefined],
    [
      ['--color', 'red'],
      'reading the command line: --color: red: no such choice',
      '--color auto, --color always, --color never',
    ],
    [
      ['-Z', 'root'],
      'reading the command line: -Z: xcap has no such option: a tracer needs its privileges to the end',
      'leave it out',
    ],
    [['-pid', '1'], 'reading the command line: -pid: a long option has two dashes', '--pid'],
    [['-hook=rx'], 'reading the command line: -hook=rx: a long option has two dashes', '--hook'],
  ])('%j', (args, message, hint) => {
    const error = refusal(...args);
    expect(error.message).toBe(message);
    if (hint !== undefined) expect(error.hint).toBe(hint);
    expect(error.exitCode).toBe(1);
  });

  test('only what stands before --help', () => {
    const isLast = ({ key }: { key: string }): boolean => key === 'help';
    expect(
      splitLine(['-nh', '--bogus'], options, isLast).given.map(({ spelled }) => spelled),
    ).toEqual(['-n', '-h']);
    expect(() => splitLine(['--bogus', '-h'], options, isLast)).toThrow('--bogus');
  });
});
