import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../../src/errors.ts';
import { parseXdpcapLine } from '../../../../src/cli/xdpcap/line.ts';

const PLAIN = {
  mapPath: 'map',
  output: 'out',
  filter: '',
  linkType: 1,
  actions: undefined,
  bufferBytes: undefined,
  watermarkBytes: 1,
  quiet: false,
  flush: false,
};

const parse = (line: string) => parseXdpcapLine(line === '' ? [] : line.split(' '));

describe("xdpcap's command line", () => {
  it('is a map, an output, and words that are the filter, whatever they look like', () => {
    expect(parse('map out')).toEqual(PLAIN);
    expect(parse('map out vlan and -q')).toEqual({ ...PLAIN, filter: 'vlan and -q' });
    expect(parse('-- map out')).toEqual(PLAIN);
  });

  it('writes each packet at once and counts nothing when the output is standard output', () => {
    expect(parse('map -')).toEqual({ ...PLAIN, output: '-', quiet: true, flush: true });
    expect(parse('-q=false map -')).toMatchObject({ quiet: true });
  });

  it('has flags with one dash or two, and values behind = or in the next word', () => {
    const expected = {
      ...PLAIN,
      ...{ bufferBytes: 1234, watermarkBytes: 5678, quiet: true, flush: true },
      ...{ actions: [2, 1], linkType: 105 },
    };
    expect(
      parse('-buffer 1234 -watermark 5678 -q -flush -actions pass,drop -linktype 802.11 map out'),
    ).toEqual(expected);
    expect(
      parse('--buffer=0x4d2 --watermark=5678 --q=T -flush=1 -actions=2,0x1 -linktype=105 map out'),
    ).toEqual(expected);
  });

  it.each([
    ['ethernet', 1],
    ['Raw', 12],
    ['101', 12],
    ['0x71', 113],
    ['Linux_SLL', 113],
    ['ppp', 9],
  ])('knows link type %s', (name, number) => {
    expect(parse(`-linktype ${name} map out`)).toMatchObject({ linkType: number });
  });

  it.each(['-h', '--help', '-q -help map'])('asks for the usage text: %s', (line) => {
    expect(parse(line)).toBeUndefined();
  });

  it.each([
    ['', '<debug map> and <output> are missing'],
    ['map', '<debug map> and <output> are missing'],
    ['-i eth0 map out', '-i: no such flag'],
    ['-constructor map out', '-constructor: no such flag'],
    ['-actions map,out', '-actions: map: no such action'],
    ['-actions', '-actions: its argument is missing'],
    ['-buffer many map out', '-buffer: many: no number of bytes'],
    ['-q=maybe map out', '-q: maybe: neither true nor false'],
    ['---q map out', '---q: bad flag syntax'],
    ['-linktype bananas map out', 'bananas: no such link type'],
  ])('is refused: %o', (line, why) => {
    const attempt = (): unknown => parse(line);
    expect(attempt).toThrow(UsageError);
    expect(attempt).toThrow(why);
  });
});
