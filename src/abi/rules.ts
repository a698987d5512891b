/**
 * What the programs that watch rules know of a packet's end: kept by the packet's address until it is
 * freed, then part of the event. See docs/rules.md.
 */
import { FIELD_BYTES, layoutFields } from './events.ts';

/** Longest names that are kept, their NUL included; longer ones are cut. */
const NAME_BYTES = 64;

/** struct xcap_rule. */
export const RULE_FIELDS = layoutFields([
  ['time_ns', 'u64'], // when the verdict was given
  ['table_handle', 'u64'],
  ['rule_handle', 'u64'], // 0: not known, or none
  ['generation', 'u64'], // of x_tables' rules, or all ones when they were just changing
  ['expression', 'u64'], // where the verdict came from, until its rule is found
  ['netns', 'u32'],
  ['number', 'u32'], // of the rule in its chain, from 1; 0: not known, or none
  ['length', 'u32'], // of the packet, to tell it from another at the same address
  ['program', 'u32'], // a BPF program's id
  ['kind', 'u8'], // RULE_KINDS
  ['how', 'u8'], // RULE_HOW
  ['family', 'u8'], // NFPROTO_*
  ['hook', 'u8'],
  ['unused', 'u32'],
  ['table', 'u8', NAME_BYTES],
  ['chain', 'u8', NAME_BYTES],
]);

/** By number; 0 is an event without. */
export const RULE_KINDS = ['none', 'nft', 'xt', 'tc', 'xdp', 'filter'] as const;
export type RuleKind = (typeof RULE_KINDS)[number];

/** How it is known: which rule it is, that it is a chain's policy, or no more than table and chain. */
export const RULE_HOW = ['unknown', 'rule', 'policy'] as const;
export type RuleHow = (typeof RULE_HOW)[number];

export const RULE_BYTES = RULE_FIELDS.reduce(
  (end, { offset, count, type }) => Math.max(end, offset + count * FIELD_BYTES[type]),
  0,
);

/** The function that all changes of nf_tables' rules come by, where those are counted by it. */
export const NFT_CHANGE = 'nfnetlink_rcv_batch';

/** As the program sent it. */
export interface RawRule {
  readonly kind: Exclude<RuleKind, 'none'>;
  readonly how: RuleHow;
  readonly tableHandle: bigint;
  readonly ruleHandle: bigint;
  readonly generation: bigint;
  readonly netns: number;
  readonly number: number;
  readonly program: number;
  readonly family: number;
  readonly hook: number;
  readonly table: string;
  readonly chain: string;
}

const AT = Object.fromEntries(RULE_FIELDS.map(({ name, offset }) => [name, offset]));
const at = (name: string): number => AT[name] ?? 0;
const utf8 = new TextDecoder('utf-8');

/** @param bytes RULE_BYTES of them, copied from; @returns undefined when nothing is known */
export function decodeRule(bytes: Uint8Array): RawRule | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const kind = RULE_KINDS[view.getUint8(at('kind'))];
  if (kind === undefined || kind === 'none') return undefined;
  const text = (name: string): string => {
    const field = bytes.subarray(at(name), at(name) + NAME_BYTES);
    const end = field.indexOf(0);
    return utf8.decode(end < 0 ? field : field.subarray(0, end));
  };
  return {
    kind,
    how: RULE_HOW[view.getUint8(at('how'))] ?? 'unknown',
    tableHandle: view.getBigUint64(at('table_handle'), true),
    ruleHandle: view.getBigUint64(at('rule_handle'), true),
    generation: view.getBigUint64(at('generation'), true),
    netns: view.getUint32(at('netns'), true),
    number: view.getUint32(at('number'), true),
    program: view.getUint32(at('program'), true),
    family: view.getUint8(at('family')),
    hook: view.getUint8(at('hook')),
    table: text('table'),
    chain: text('chain'),
  };
}
