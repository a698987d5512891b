import { UsageError } from '../errors.ts';

/** Arguments of options as typed values; each throws UsageError naming the option. */

export function badValue(spelled: string, text: string, why: string, hint: string): UsageError {
  const shown = text === '' ? "''" : text;
  return new UsageError(`reading the command line: ${spelled}: ${shown}: ${why}`, { hint });
}

export interface Range {
  readonly min: number;
  readonly max: number;
}

/** A decimal number; no sign, no 0x, no unit. */
export function parseNumber(spelled: string, text: string, { min, max }: Range): number {
  const example = `${spelled} ${Math.max(min, Math.min(max, 1000))}`;
  if (!/^[0-9]+$/.test(text)) {
    throw badValue(spelled, text, 'not a decimal number', `for example ${example}`);
  }
  const value = Number(text);
  if (value < min || value > max) {
    throw badValue(spelled, text, 'out of range', `${spelled} takes ${min} to ${max}`);
  }
  return value;
}

const UNIT_NS = {
  ns: 1n,
  us: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
} as const;

/** A timer of Node takes 2^31 - 1 milliseconds, which is a bit more. */
const MAX_DURATION_NS = 596n * UNIT_NS.h;

/** `10s`, `1.5s`, `500ms`, `1m`, `1h`, or seconds without a unit; in nanoseconds. */
export function parseDuration(spelled: string, text: string): bigint {
  const [, whole, fraction = '', unit = 's'] =
    /^([0-9]+)(?:\.([0-9]{1,9}))?(ns|us|ms|s|m|h)?$/.exec(text) ?? [];
  const example = `for example ${spelled} 10s, ${spelled} 500ms or ${spelled} 2m`;
  if (whole === undefined) throw badValue(spelled, text, 'not a time', example);
  const scale = UNIT_NS[unit as keyof typeof UNIT_NS];
  const ns = (BigInt(whole + fraction) * scale) / 10n ** BigInt(fraction.length);
  if (ns === 0n || ns > MAX_DURATION_NS) {
    throw badValue(spelled, text, 'out of range', `${spelled} takes 1ns to 596h; ${example}`);
  }
  return ns;
}

const MAX_SAMPLE = 0xffff_ffff;

/** `1/100`: the 100. */
export function parseSample(spelled: string, text: string): number {
  const value = Number(/^1\/([0-9]+)$/.exec(text)?.[1]);
  if (value >= 1 && value <= MAX_SAMPLE) return value;
  const example = /^[0-9]+$/.test(text) && Number(text) > 0 ? text : '100';
  throw badValue(spelled, text, 'not one in so many', `for example ${spelled} 1/${example}`);
}

/** `2%`, `0.5%`: as a fraction. */
export function parsePercent(spelled: string, text: string): number {
  const number = /^([0-9]+(?:\.[0-9]+)?)%$/.exec(text)?.[1];
  const example = `for example ${spelled} 2% or ${spelled} 0.5%`;
  if (number === undefined) throw badValue(spelled, text, 'not a percentage', example);
  const value = Number(number);
  if (value > 0 && value <= 100) return value / 100;
  throw badValue(spelled, text, 'out of range', `more than 0% and at most 100%: ${example}`);
}

const MAX_MARK = 0xffff_ffff;

/** `16`, `0x10` or `0x10/0xff`. */
export function parseMark(spelled: string, text: string): { value: number; mask: number } {
  const number = '(0[xX][0-9a-fA-F]+|[0-9]+)';
  const [, first, second] = new RegExp(`^${number}(?:/${number})?$`).exec(text) ?? [];
  const example = `for example ${spelled} 0x10 or ${spelled} 0x10/0xff`;
  if (first === undefined) throw badValue(spelled, text, 'not a mark', example);
  const value = Number(first);
  const mask = second === undefined ? MAX_MARK : Number(second);
  if (value > MAX_MARK || mask > MAX_MARK) {
    throw badValue(spelled, text, 'out of range', `a mark has 32 bits: ${example}`);
  }
  if ((value & ~mask) !== 0) {
    const within = `0x${((value & mask) >>> 0).toString(16)}/0x${mask.toString(16)}`;
    throw badValue(spelled, text, 'has bits outside its mask', `${spelled} ${within}`);
  }
  return { value, mask };
}

/** A name that the kernel keeps in 16 bytes, the terminating zero among them. */
export function parseShortName(spelled: string, text: string, what: string): string {
  const bytes = new TextEncoder().encode(text);
  if (text === '') throw badValue(spelled, text, 'empty', `${spelled} NAME`);
  if (bytes.length > 15) {
    const kept = new TextDecoder().decode(bytes.subarray(0, 15)).replace(/\ufffd+$/, '');
    const hint = `${spelled} ${kept}`;
    throw badValue(spelled, text, `the kernel keeps 15 bytes of ${what}`, hint);
  }
  return text;
}

/** Any text but none. */
export function parseText(spelled: string, text: string): string {
  if (text === '') throw badValue(spelled, text, 'empty', `${spelled} NAME`);
  return text;
}
