import type { Btf } from '../btf/btf.ts';
import { memberPath } from '../btf/members.ts';

/** Members that nft-rules.bpf.c and nft-names.h name. */
export const NFT_STRUCTS = {
  nft_chain: ['blob_gen_0', 'blob_gen_1', 'table', 'list', 'name'],
  nft_base_chain: ['policy', 'chain'],
  nft_table: ['chains', 'handle', 'family', 'name'],
  nft_rule_blob: ['size', 'data'],
  nft_rule_dp_last: ['chain'],
  nft_expr: ['ops'],
  nft_expr_ops: ['size'],
  nft_pktinfo: ['skb', 'state'],
} as const;

/** Expressions that can give the verdict NF_DROP; the others break off, jump, or let go on. */
export const VERDICT_EXPRESSIONS =
  /^nft_(?:immediate|lookup|reject\w*|nat|nat_inet|masq\w*|redir\w*|tproxy|synproxy|ct_set_zone)_eval$|^nft_target_eval_(?:xt|bridge)$/;

/** Bits of a rule's head, as shifts and masks; undefined where this kernel's rules have none (before 5.17). */
export function nftHeadDefines(btf: Btf): readonly (readonly [string, string])[] | undefined {
  const place = (name: string): { readonly bit: number; readonly bits: number } | undefined => {
    const found = memberPath(btf, 'nft_rule_dp', name);
    return found && { bit: found.offsetBytes * 8 + found.offsetBits, bits: found.bitfieldSize };
  };
  const last = place('is_last');
  const dlen = place('dlen');
  const handle = place('handle');
  if (last === undefined || dlen === undefined || handle === undefined) return undefined;
  const mask = (bits: number): string => `0x${((1n << BigInt(bits)) - 1n).toString(16)}ull`;
  return [
    ['XCAP_NFT_IS_LAST_SHIFT', String(last.bit)],
    ['XCAP_NFT_DLEN_SHIFT', String(dlen.bit)],
    ['XCAP_NFT_DLEN_MASK', mask(dlen.bits)],
    ['XCAP_NFT_HANDLE_SHIFT', String(handle.bit)],
    ['XCAP_NFT_HANDLE_MASK', mask(handle.bits)],
    ['XCAP_NFT_HEAD_BITS', String(handle.bit + handle.bits)],
  ];
}
