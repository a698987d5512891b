/** --where with every name resolved against a kernel: what emit-c.ts writes as C. */

import type { EventField } from './fields.ts';

export type Condition =
  | { readonly kind: 'and' | 'or'; readonly of: readonly Condition[] }
  | { readonly kind: 'not'; readonly of: Condition }
  | Test;

/**
 * One term. It is false when something that it reads is not there; `negated` turns the result round
 * only when all of it is.
 */
export type Test = CompareTest | WithinTest | TextTest;

export interface CompareTest {
  readonly kind: 'compare';
  readonly op: '==' | '!=' | '<' | '<=' | '>' | '>=';
  readonly left: Value;
  readonly right: Value;
  /** Both sides as s64, else both as u64. */
  readonly signed: boolean;
}
export interface WithinTest {
  readonly kind: 'within';
  readonly negated: boolean;
  readonly value: Value;
  readonly ranges: readonly ValueRange[];
  readonly signed: boolean;
}
/** Both ends included. */
export interface ValueRange {
  readonly from: bigint;
  readonly to: bigint;
  /** Another host, or the next boot, has other numbers for that name. */
  readonly ofRun?: boolean;
}
export interface TextTest {
  readonly kind: 'text';
  readonly negated: boolean;
  readonly source: TextField | MemberRead;
  readonly any: readonly Uint8Array[];
  /** The string begins with one of `any`. */
  readonly prefix: boolean;
}
export interface TextField {
  readonly kind: 'text-field';
  readonly field: 'comm' | 'ifname';
}

export type Value =
  | { readonly kind: 'constant'; readonly value: bigint; readonly ofRun?: boolean | undefined }
  | { readonly kind: 'field'; readonly field: EventField }
  | MemberRead
  | { readonly kind: 'mask'; readonly left: Value; readonly right: Value }
  | { readonly kind: 'swap'; readonly bits: 16 | 32; readonly of: Value };

/** Where a member path starts: the packet, its socket, its device. */
export type Root = 'skb' | 'sk' | 'dev';
export const ROOTS: readonly Root[] = ['skb', 'sk', 'dev'];
export const ROOT_STRUCTS = {
  skb: 'sk_buff',
  sk: 'sock',
  dev: 'net_device',
} as const satisfies Record<Root, string>;

/** The part of struct sock that a cut one (a request, a time-wait) has too. */
export const SOCK_COMMON = '__sk_common';

/** A walk through kernel memory: every hop but the last reads the pointer that the next one follows. */
export interface MemberRead {
  readonly kind: 'member';
  readonly root: Root;
  /** Empty: the address of the root itself. */
  readonly hops: readonly Hop[];
  /** What the last hop reads. */
  readonly form: 'integer' | 'bit-field' | 'pointer' | 'char-array' | 'char-pointer';
  readonly bits: number;
  readonly signed: boolean;
  /** Bytes of a char-array. */
  readonly sizeBytes: number;
}
export interface Hop {
  readonly keyword: 'struct' | 'union';
  readonly struct: string;
  /** As C writes it behind the pointer: `nd_net.net`, `cb[3]`. */
  readonly member: string;
  /** A plain load that the verifier of BTF-typed programs knows; else a probe read. */
  readonly typed: boolean;
}
