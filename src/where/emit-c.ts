import { assertNever } from '../errors.ts';
import type { Condition, Test, Value, ValueRange } from './condition.ts';
import { FIELDS } from './fields.ts';
import { emitRead, emitText, type Lines } from './emit-read.ts';

/** Parameters of every term, and of xcap_reject_where() but for the last. */
const HIT = 'const struct xcap_hit *hit';
const NET = 'const struct xcap_net *net';
const VIEW = 'const struct xcap_view *view';
const INDENT = '\t\t\t\t\t';

export interface EmitOptions {
  readonly littleEndian: boolean;
}

/**
 * The C of where.gen.h: one function a term, and xcap_reject_where(), which gives the counter that
 * rejects, or 0. Nothing of the user's text is in it: numbers, names of ours, and names of members
 * that the kernel's BTF has. What another run has other numbers for is XCAP_WHERE_VALUE_i in it, and among `values`.
 */
export function emitWhereHeader(
  condition: Condition | undefined,
  options: EmitOptions,
): { readonly header: string; readonly values: readonly bigint[] } {
  const signature = [
    `static __always_inline u32 xcap_reject_where(${HIT},`,
    `${INDENT}    ${NET},`,
    `${INDENT}    ${VIEW})`,
  ];
  if (condition === undefined) {
    return { header: [...signature, '{', '\treturn 0;', '}', ''].join('\n'), values: [] };
  }
  const values: bigint[] = [];
  const terms: Test[] = [];
  const joined = emitCondition(condition, terms);
  const words = Math.max(0, ...terms.map((term) => textWords(term)));
  const header = [
    '#include "filter/where.h"',
    '',
    ...terms.flatMap((term, i) => [...emitTerm(term, i, options, values), '']),
    ...signature,
    '{',
    words === 0 ? '\tu64 *text = 0;' : `\tu64 text[${words}];`,
    '',
    `\tif (${joined})`,
    '\t\treturn 0;',
    '\treturn XCAP_COUNT_REJECTED_WHERE;',
    '}',
    '',
  ].join('\n');
  return { header, values };
}

/** The C expression; every term that it calls is added to `terms`. */
function emitCondition(condition: Condition, terms: Test[]): string {
  switch (condition.kind) {
    case 'and':
    case 'or': {
      const parts = condition.of.map((each) => emitCondition(each, terms));
      return `(${parts.join(condition.kind === 'and' ? ' &&\n\t     ' : ' ||\n\t     ')})`;
    }
    case 'not':
      return `!${emitCondition(condition.of, terms)}`;
    case 'compare':
    case 'within':
    case 'text':
      terms.push(condition);
      return `xcap_where_${terms.length - 1}(hit, net, view, text)`;
    default:
      return assertNever(condition);
  }
}

function emitTerm(test: Test, number: number, options: EmitOptions, values: bigint[]): string[] {
  const name = `xcap_where_${number}`;
  const lines: Lines = { values, statements: [], absent: new Set(), variables: 0 };
  const result = emitTest(test, lines, options);
  return [
    `static __always_inline u32 ${name}(${HIT},`,
    `${INDENT}${NET},`,
    `${INDENT}${VIEW}, u64 *text)`,
    '{',
    ...lines.statements.map((line) => `\t${line}`),
    `\treturn ${result};`,
    '}',
  ];
}

function emitTest(test: Test, lines: Lines, options: EmitOptions): string {
  switch (test.kind) {
    case 'compare': {
      const type = test.signed ? 's64' : 'u64';
      const left = emitValue(test.left, lines, type);
      const right = emitValue(test.right, lines, type);
      return `${left} ${test.op} ${right}`;
    }
    case 'within': {
      const type = test.signed ? 's64' : 'u64';
      const value = emitValue(test.value, lines, type);
      const any = test.ranges
        .map((range) => emitRange(value, range, type, lines.values))
        .join(' ||\n\t       ');
      return test.negated ? `!(${any})` : any;
    }
    case 'text': {
      const longest = Math.max(...test.any.map((bytes) => bytes.length));
      emitText(test.source, longest, lines);
      const any = test.any
        .map((bytes) => emitTextTest(bytes, test.prefix, options.littleEndian))
        .join(' ||\n\t       ');
      return test.negated ? `!(${any})` : any;
    }
    default:
      return assertNever(test);
  }
}

function emitRange(
  value: string,
  { from, to, ofRun }: ValueRange,
  type: 's64' | 'u64',
  values: bigint[],
): string {
  const number = (each: bigint): string =>
    ofRun === true ? runValue(each, type, values) : constant(each, type);
  if (from === to) return `${value} == ${number(from)}`;
  return `(${value} >= ${number(from)} && ${value} <= ${number(to)})`;
}

function runValue(value: bigint, type: 's64' | 'u64', values: bigint[]): string {
  return `(${type})XCAP_WHERE_VALUE_${values.push(value) - 1}`;
}

/** A variable or constant of the type; loads that fail a check before end the term. */
function emitValue(value: Value, lines: Lines, type: 's64' | 'u64'): string {
  if (value.kind === 'constant') {
    const { value: number, ofRun } = value;
    return ofRun === true ? runValue(number, type, lines.values) : constant(number, type);
  }
  const name = `v${lines.variables++}`;
  lines.statements.push(`${type} ${name} = ${emitExpression(value, lines)};`);
  return name;
}

function emitExpression(value: Value, lines: Lines): string {
  switch (value.kind) {
    case 'constant':
      return constant(value.value, 'u64');
    case 'field': {
      const { read = '0', absent } = FIELDS[value.field];
      if (absent !== undefined && !lines.absent.has(absent)) {
        lines.absent.add(absent);
        lines.statements.push(`if (${absent})`, '\treturn 0;');
      }
      return read;
    }
    case 'member':
      return emitRead(value, lines);
    case 'swap':
      return `XCAP_BE${value.bits}((u${value.bits})${emitExpression(value.of, lines)})`;
    case 'mask':
      return `((u64)(${emitExpression(value.left, lines)}) & (u64)(${emitExpression(value.right, lines)}))`;
    default:
      return assertNever(value);
  }
}

/** Negative numbers by their bits: C has no literal for the least one. */
function constant(value: bigint, type: 's64' | 'u64'): string {
  const bits = `0x${BigInt.asUintN(64, value).toString(16)}ull`;
  return type === 's64' ? `(s64)${bits}` : bits;
}

const wordsFor = (bytes: number): number => Math.ceil(bytes / 8);

/** Words of the buffer that a term reads a string into. */
function textWords(test: Test): number {
  if (test.kind !== 'text') return 0;
  // Helpers for fields fill TASK_COMM_LEN or IFNAMSIZ; others a byte behind the longest, and its NUL.
  const least = test.source.kind === 'text-field' ? 16 : 0;
  return wordsFor(Math.max(least, ...test.any.map((bytes) => bytes.length + 2)));
}

/** Compares words; a whole string with its NUL, as what follows that is not defined. */
function emitTextTest(bytes: Uint8Array, prefix: boolean, littleEndian: boolean): string {
  const significant = bytes.length + (prefix ? 0 : 1);
  const words = wordsFor(significant);
  const wanted = new DataView(new ArrayBuffer(words * 8));
  const mask = new DataView(new ArrayBuffer(words * 8));
  for (let i = 0; i < significant; i++) {
    wanted.setUint8(i, bytes[i] ?? 0);
    mask.setUint8(i, 0xff);
  }
  const tests = Array.from({ length: words }, (_, i) => {
    const bits = mask.getBigUint64(i * 8, littleEndian);
    const whole = bits === (1n << 64n) - 1n;
    const word = whole ? `text[${i}]` : `(text[${i}] & ${constant(bits, 'u64')})`;
    return `${word} == ${constant(wanted.getBigUint64(i * 8, littleEndian), 'u64')}`;
  });
  return `(${tests.join(' && ')})`;
}
