import type { Span } from './where-error.ts';

/** What --where says, before any name means anything. */
export type Expression = Junction | Negation | Term;

export interface Junction {
  readonly kind: 'and' | 'or';
  readonly of: readonly Expression[];
}
export interface Negation {
  readonly kind: 'not';
  readonly of: Expression;
}

export const COMPARISONS = ['==', '!=', '<', '<=', '>', '>='] as const;
export type Comparison = (typeof COMPARISONS)[number];

export type Term = CompareTerm | InTerm | PrefixTerm | BareTerm;

export interface CompareTerm extends Span {
  readonly kind: 'compare';
  readonly op: Comparison;
  readonly opAt: Span;
  readonly left: Operand;
  readonly right: Operand;
}
/** `x in 1..5`, `x in {a, b}`, `x not in ...`. */
export interface InTerm extends Span {
  readonly kind: 'in';
  readonly negated: boolean;
  readonly left: Operand;
  readonly members: readonly SetMember[];
}
/** A range when there is `to`, both ends included. */
export interface SetMember {
  readonly from: Literal;
  readonly to: Literal | undefined;
}
export interface PrefixTerm extends Span {
  readonly kind: 'prefix';
  readonly left: Operand;
  readonly opAt: Span;
  readonly right: StringOperand;
}
/** An operand alone: true when it is not zero. */
export interface BareTerm extends Span {
  readonly kind: 'bare';
  readonly operand: Operand;
}

export interface NumberOperand extends Span {
  readonly kind: 'number';
  readonly value: bigint;
}
export interface StringOperand extends Span {
  readonly kind: 'string';
  readonly bytes: Uint8Array;
}
/** `mark`, `NETFILTER_DROP`, `skb.dev.mtu`, `skb.cb[3]`. */
export interface PathOperand extends Span {
  readonly kind: 'path';
  readonly steps: readonly [NameStep, ...PathStep[]];
}
export interface NameStep extends Span {
  readonly kind: 'name';
  readonly name: string;
}
export interface IndexStep extends Span {
  readonly kind: 'index';
  readonly index: number;
}
export type PathStep = NameStep | IndexStep;
export interface SwapOperand extends Span {
  readonly kind: 'swap';
  readonly bits: 16 | 32;
  readonly of: Operand;
}
export interface MaskOperand extends Span {
  readonly kind: 'mask';
  readonly left: Operand;
  readonly right: Operand;
}
export type Literal = NumberOperand | StringOperand | PathOperand;
export type Operand = Literal | SwapOperand | MaskOperand;
