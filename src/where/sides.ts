import type { Btf } from '../btf/btf.ts';
import { nearest } from '../util/nearest.ts';
import type { MaskOperand, Operand, PathOperand, SwapOperand } from './ast.ts';
import { type MemberRead, ROOTS, type TextField, type Value } from './condition.ts';
import { ALIASES, FIELDS, type EventField, findField, NOT_HERE } from './fields.ts';
import { resolveMember } from './member-path.ts';
import { valuesOfName, type Vocabulary, type WhereNames } from './names.ts';
import { type Span, whereError } from './where-error.ts';

/** Where names are looked up, and what errors show. */
export interface WhereScope {
  readonly expression: string;
  readonly btf: Btf;
  readonly names: WhereNames;
}

/** An operand of which it is known what it is; literals get their meaning from the other side. */
export type Side = NumberSide | StringSide | WordSide | TextSide | PointerSide | ValueSide;
export type LiteralSide = NumberSide | StringSide | WordSide;

export interface NumberSide {
  readonly kind: 'number';
  readonly at: Span;
  readonly value: bigint;
}
export interface StringSide {
  readonly kind: 'string';
  readonly at: Span;
  readonly bytes: Uint8Array;
}
/** A name that is no field. */
export interface WordSide {
  readonly kind: 'word';
  readonly at: Span;
  readonly name: string;
}
export interface TextSide {
  readonly kind: 'text';
  readonly at: Span;
  readonly source: TextField | MemberRead;
  /** The longest string that it can hold or that can be asked for. */
  readonly limit: number;
}
export interface PointerSide {
  readonly kind: 'pointer';
  readonly at: Span;
  readonly value: MemberRead;
}
export interface ValueSide {
  readonly kind: 'value';
  readonly at: Span;
  readonly value: Value;
  readonly signed: boolean;
  readonly bits: number;
  /** The constant that the value was masked with. */
  readonly mask: bigint | undefined;
  readonly vocabulary: Vocabulary | undefined;
  readonly origin: 'field' | 'member' | 'computed';
}

/** Strings of the program lie on its stack, which has 512 bytes for all. */
const LONGEST_TEXT = 63;
/** TASK_COMM_LEN and IFNAMSIZ, each with its NUL. */
const NAME_BYTES = 16;

/** @throws FilterError */
export function sideOf(scope: WhereScope, operand: Operand): Side {
  switch (operand.kind) {
    case 'number':
      return { kind: 'number', at: operand, value: operand.value };
    case 'string':
      return { kind: 'string', at: operand, bytes: operand.bytes };
    case 'path':
      return pathSide(scope, operand);
    case 'swap':
      return swapSide(scope, operand);
    case 'mask':
      return maskSide(scope, operand);
  }
}

function pathSide(scope: WhereScope, path: PathOperand): Side {
  const [first, second] = path.steps;
  const root = ROOTS.find((each) => each === first.name);
  if (root !== undefined) return memberSide(scope, path, root);
  const field = findField(first.name);
  if (field === undefined) {
    if (second === undefined) return { kind: 'word', at: path, name: first.name };
    throw unknownName(scope, first, first.name);
  }
  if (second !== undefined) {
    const hint = 'members are those of skb, sk and dev';
    throw whereError(scope.expression, second, `${first.name} has no members`, hint);
  }
  const { type } = FIELDS[field];
  if (type.kind === 'text') {
    const source = { kind: 'text-field', field: type.field } as const;
    return { kind: 'text', at: path, source, limit: NAME_BYTES - 1 };
  }
  return {
    kind: 'value',
    at: path,
    value: { kind: 'field', field: field as EventField },
    signed: false,
    bits: type.bits,
    mask: undefined,
    vocabulary: type.domain,
    origin: 'field',
  };
}

function memberSide(scope: WhereScope, at: PathOperand, root: (typeof ROOTS)[number]): Side {
  const { read, type } = resolveMember(scope.btf, scope.expression, root, at);
  switch (type.kind) {
    case 'text': {
      const room = read.form === 'char-array' ? read.sizeBytes - 1 : LONGEST_TEXT;
      return { kind: 'text', at, source: read, limit: Math.min(room, LONGEST_TEXT) };
    }
    case 'pointer':
      return { kind: 'pointer', at, value: read };
    case 'number': {
      const { bits, signed } = read;
      const vocabulary = type.values ?? 'any';
      const origin = 'member';
      return { kind: 'value', at, value: read, signed, bits, mask: undefined, vocabulary, origin };
    }
  }
}

function swapSide(scope: WhereScope, operand: SwapOperand): ValueSide {
  const of = sideOf(scope, operand.of);
  const { bits } = operand;
  const name = bits === 16 ? 'ntohs' : 'ntohl';
  const fail = (why: string, hint?: string): Error =>
    whereError(scope.expression, of.at, why, hint);
  if (of.kind !== 'value') throw fail(`${name}() takes a member of ${bits} bits`);
  if (of.origin === 'field') throw fail('fields of the event are in host order already');
  if (of.origin !== 'member' || of.bits !== bits) {
    const why = `${name}() takes a member of ${bits} bits`;
    throw fail(of.origin === 'member' ? `${why}, this one has ${of.bits}` : why);
  }
  const value = { kind: 'swap', bits, of: of.value } as const;
  return { ...computed(operand, value, bits), vocabulary: 'any' };
}

function computed(at: Span, value: Value, bits: number): ValueSide {
  const rest = { vocabulary: undefined, mask: undefined, origin: 'computed' } as const;
  return { kind: 'value', at, value, signed: false, bits, ...rest };
}

function maskSide(scope: WhereScope, operand: MaskOperand): ValueSide {
  const sides = [sideOf(scope, operand.left), sideOf(scope, operand.right)] as const;
  const wrong = sides.find(
    ({ kind }) => kind === 'text' || kind === 'string' || kind === 'pointer',
  );
  if (wrong !== undefined) {
    const why =
      wrong.kind === 'pointer' ? 'a pointer cannot be masked' : 'a string cannot be masked';
    throw whereError(scope.expression, wrong.at, why, 'terms are joined by &&');
  }
  const [left, right] = sides;
  if (left.kind === 'value' && right.kind === 'value') {
    const value = { kind: 'mask', left: unsigned(left), right: unsigned(right) } as const;
    return computed(operand, value, Math.min(left.bits, right.bits));
  }
  if (left.kind === 'value') return maskBy(scope, operand, left, right);
  if (right.kind === 'value') return maskBy(scope, operand, right, left);
  if (left.kind === 'word') throw unknownName(scope, left.at, left.name);
  throw whereError(scope.expression, operand, 'a constant: & masks a field or a member');
}

function maskBy(scope: WhereScope, at: Span, side: ValueSide, by: Side): ValueSide {
  const mask = by.kind === 'number' ? by.value : maskName(scope, side, by);
  const all = (1n << BigInt(side.bits)) - 1n;
  if (mask <= 0n || mask > all) {
    const hint = `it has ${side.bits} bits: 0x1 to 0x${all.toString(16)}`;
    throw whereError(scope.expression, by.at, 'out of range for a mask', hint);
  }
  const narrowed = side.mask === undefined ? mask : mask & side.mask;
  const right = { kind: 'constant', value: mask } as const;
  const value = { kind: 'mask', left: side.value, right } as const;
  return { ...computed(at, value, side.bits), mask: narrowed, vocabulary: side.vocabulary };
}

function maskName(scope: WhereScope, side: ValueSide, by: Side): bigint {
  if (by.kind !== 'word') throw whereError(scope.expression, by.at, 'no mask');
  const vocabulary = typeof side.vocabulary === 'object' ? side.vocabulary : 'any';
  const name = { expression: scope.expression, at: by.at, text: by.name };
  return valuesOfName(scope.btf, scope.names, vocabulary, name)[0]?.from ?? 0n;
}

/** Its own bits only, when its sign would spread over 64. */
function unsigned(side: ValueSide): Value {
  if (!side.signed) return side.value;
  const right = { kind: 'constant', value: (1n << BigInt(side.bits)) - 1n } as const;
  return { kind: 'mask', left: side.value, right };
}

/** A name where only a field or a member can stand. */
export function unknownName(scope: WhereScope, at: Span, name: string): Error {
  const fields = [...Object.keys(FIELDS), ...Object.keys(ALIASES), ...ROOTS];
  const near = nearest(name, fields);
  const instead = Object.hasOwn(NOT_HERE, name) ? NOT_HERE[name] : undefined;
  const hint =
    instead ??
    (near.length > 0
      ? `did you mean ${near.join(' or ')}?`
      : `fields are ${Object.keys(FIELDS).join(', ')}; members are those of skb, sk and dev`);
  return whereError(scope.expression, at, 'no such field', hint);
}
