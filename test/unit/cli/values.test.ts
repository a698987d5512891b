import { describe, expect, test } from 'vitest';
import { parseDuration, parseMark, parseNumber, parsePercent } from '../../../src/cli/values.ts';
import { parseSample, parseShortName } from '../../../src/cli/values.ts';

describe('parseDuration()', () => {
  test.each([
    ['10s', 10_000_000_000n],
    ['500ms', 500_000_000n],
    ['1m', 60_000_000_000n],
    ['1h', 3_600_000_000_000n],
    ['7', 7_000_000_000n],
    ['1.5s', 1_500_000_000n],
    ['0.25', 250_000_000n],
    ['596h', 2_145_600_000_000_000n],
  ])('reads %s', (text, ns) => {
    expect(parseDuration('--duration', text)).toBe(ns);
  });

  test.each(['', 's', '-1s', '1 s', '1d', '1e3', '0x10', '.5', '1.', '10S'])(
    'refuses %j with an example',
    (text) => {
      expect(() => parseDuration('--duration', text)).toThrow(/not a time$/);
    },
  );

  test.each(['0', '0ms', '597h', '99999999999h'])('refuses %s as out of range', (text) => {
    expect(() => parseDuration('--duration', text)).toThrow(/out of range$/);
  });
});

describe('parseNumber()', () => {
  const range = { min: 1, max: 99 };
  test('takes the ends of the range, leading zeros are decimal', () => {
    expect([1, 99, 10].map((n) => parseNumber('-c', `0${n}`, range))).toEqual([1, 99, 10]);
  });
  test.each(['', '-1', '+1', '1.0', '0x10', '1e1', ' 1', '1k', '１'])('refuses %j', (text) => {
    expect(() => parseNumber('-c', text, range)).toThrow(/not a decimal number$/);
  });
  test.each(['0', '100', '99999999999999999999999'])('refuses %s as out of range', (text) => {
    expect(() => parseNumber('-c', text, range)).toThrow(/out of range$/);
  });
});

describe('parseMark()', () => {
  test.each([
    ['16', 16, 0xffffffff],
    ['0x10', 16, 0xffffffff],
    ['0x10/0xff', 16, 0xff],
    ['0/0xff', 0, 0xff],
    ['0XFFFFFFFF', 0xffffffff, 0xffffffff],
    ['0x80000000/0x80000000', 0x80000000, 0x80000000],
  ])('reads %s', (text, value, mask) => {
    expect(parseMark('--mark', text)).toEqual({ value, mask });
  });
  test.each([
    '',
    'x',
    '0x',
    '1/',
    '/1',
    '1/2/3',
    '-1',
    '0x100000000',
    '1/0x100000000',
    '0x100/0xff',
  ])('refuses %j', (text) => {
    expect(() => parseMark('--mark', text)).toThrow(`--mark: ${text === '' ? "''" : text}:`);
  });
});

describe('parseShortName()', () => {
  test('counts bytes, of which the kernel keeps 15', () => {
    expect(parseShortName('--comm', 'systemd-network', '')).toBe('systemd-network');
    expect(() => parseShortName('--comm', 'ééééééééé', "a thread's name")).toThrow('15 bytes');
  });
  test('proposes what the kernel keeps', () => {
    const read = (): string => parseShortName('--comm', 'systemd-networkd', '');
    expect(read).toThrow(expect.objectContaining({ hint: '--comm systemd-network' }));
  });
});

describe('parseSample()', () => {
  test('reads one in so many', () => {
    expect(parseSample('--sample', '1/1')).toBe(1);
    expect(parseSample('--sample', '1/4294967295')).toBe(4294967295);
  });

  test.each(['', '100', '2/3', '1/0', '1/4294967296', '1/-2', '1/x', '0.5', ' 1/2'])(
    'refuses %j',
    (text) => {
      expect(() => parseSample('--sample', text)).toThrow(/not one in so many$/);
    },
  );

  test('guesses what a bare number was to mean', () => {
    expect(() => parseSample('--sample', '100')).toThrow(
      expect.objectContaining({ hint: 'for example --sample 1/100' }),
    );
  });
});

describe('parsePercent()', () => {
  test.each([
    ['2%', 0.02],
    ['0.5%', 0.005],
    ['100%', 1],
  ])('%s', (text, value) => {
    expect(parsePercent('--max-overhead', text)).toBeCloseTo(value, 10);
  });

  test('wants the sign: 2 could be 200 %', () => {
    expect(() => parsePercent('--max-overhead', '2')).toThrow(/not a percentage$/);
  });

  test.each(['0%', '0.0%', '100.1%'])('refuses %s', (text) => {
    expect(() => parsePercent('--max-overhead', text)).toThrow(/out of range$/);
  });
});
