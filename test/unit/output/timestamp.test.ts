import { afterEach, expect, test } from 'vitest';

import { TimestampFormatter } from '../../../src/output/timestamp.ts';
import type { TimestampStyle } from '../../../src/output/timestamp.ts';

const SECOND = 1_000_000_000n;
/** 2026-11-21 12:00:01 UTC */
const NOON = 1_795_262_401n * SECOND;

const zone = process.env['TZ'];
afterEach(() => {
  if (zone === undefined) delete process.env['TZ'];
  else process.env['TZ'] = zone;
});

function format(style: TimestampStyle, times: readonly bigint[], utc = true): string[] {
  const formatter = new TimestampFormatter({ style, utc });
  return times.map((time) => formatter.format(time));
}

test('the default prints the time of day with nanoseconds', () => {
  expect(
    format('time', [NOON + 123_456_789n, NOON + 5n, NOON + SECOND - 1n, NOON + SECOND]),
  ).toEqual([
    '12:00:01.123456789 ',
    '12:00:01.000000005 ',
    '12:00:01.999999999 ',
    '12:00:02.000000000 ',
  ]);
});

test('the default is right when events of two CPUs come out of order across a second', () => {
  expect(format('time', [NOON, NOON - 1n, NOON, NOON - SECOND])).toEqual([
    '12:00:01.000000000 ',
    '12:00:00.999999999 ',
    '12:00:01.000000000 ',
    '12:00:00.000000000 ',
  ]);
});

test('-t prints nothing', () => {
  expect(format('none', [NOON])).toEqual(['']);
});

test('-tt prints seconds since the epoch', () => {
  expect(format('epoch', [NOON + 7n, 0n])).toEqual(['1795262401.000000007 ', '0.000000000 ']);
});

test('-ttt prints the time since the previous line, signed', () => {
  expect(format('delta', [NOON, NOON + 1500n, NOON + 500n, NOON + 90_061n * SECOND])).toEqual([
    ' 00:00:00.000000000 ',
    ' 00:00:00.000001500 ',
    '-00:00:00.000001000 ',
    ' 25:01:00.999999500 ',
  ]);
});

test('-tttt prints the date as well', () => {
  expect(format('date', [NOON + 9n, 0n])).toEqual([
    '2026-11-21 12:00:01.000000009 ',
    '1970-01-01 00:00:00.000000000 ',
  ]);
});

test('-ttttt prints the time since the first line, signed', () => {
  expect(format('elapsed', [NOON, NOON + 1500n, NOON + 2500n, NOON - 1n])).toEqual([
    ' 00:00:00.000000000 ',
    ' 00:00:00.000001500 ',
    ' 00:00:00.000002500 ',
    '-00:00:00.000000001 ',
  ]);
});

test('local time follows the zone, half hours included', () => {
  process.env['TZ'] = 'Asia/Kolkata';
  expect(format('date', [NOON], false)).toEqual(['2026-11-21 17:30:01.000000000 ']);
});

test('local time is right on both sides of a change to and from daylight saving time', () => {
  process.env['TZ'] = 'Europe/Berlin';
  const spring = BigInt(Date.UTC(2026, 2, 29, 1, 0, 0) / 1000) * SECOND;
  const autumn = BigInt(Date.UTC(2026, 9, 25, 1, 0, 0) / 1000) * SECOND;
  expect(format('time', [spring - 1n, spring, spring - 2n, autumn - 1n, autumn], false)).toEqual([
    '01:59:59.999999999 ',
    '03:00:00.000000000 ',
    '01:59:59.999999998 ',
    '02:59:59.999999999 ',
    '02:00:00.000000000 ',
  ]);
});

test('--utc ignores the zone', () => {
  process.env['TZ'] = 'Asia/Kolkata';
  expect(format('time', [NOON])).toEqual(['12:00:01.000000000 ']);
});
