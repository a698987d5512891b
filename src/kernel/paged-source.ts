import type { Btf } from '../btf/btf.ts';
import { funcProto } from '../btf/functions.ts';
import { memberPath } from '../btf/members.ts';
import { variableAddresses } from './data-symbol.ts';
import type { KernelMemory } from './memory.ts';
import type { FileReader } from './reader.ts';

/** How a program reads packet bytes that are not in the linear part: see templates/include/paged.h. */
export type PagedSource =
  | { readonly kind: 'dynptr'; readonly btfId: number }
  | {
      readonly kind: 'pages';
      /** Where the kernel keeps the start of the direct map and of the array of struct page. */
      readonly pageOffsetBase: bigint;
      readonly vmemmapBase: bigint;
      readonly pageStructBytes: number;
    }
  /** bpf_xdp_load_bytes(), in XDP programs. */
  | { readonly kind: 'xdp' }
  | { readonly kind: 'none' };

const NONE: PagedSource = { kind: 'none' };

/**
 * @param may.dynptr whether this program may call bpf_dynptr_from_skb()
 * @param may.pages whether it may compute addresses in the direct map
 */
export function pagedSource(
  btf: Btf,
  arch: string,
  reader: FileReader,
  may: { readonly dynptr: () => boolean; readonly pages: () => boolean },
  memory?: KernelMemory,
): PagedSource {
  const kfunc = funcProto(btf, 'bpf_dynptr_from_skb');
  if (kfunc !== undefined && may.dynptr()) return { kind: 'dynptr', btfId: kfunc.id };
  const pageStructBytes = btf.struct('page')?.sizeBytes ?? 0;
  // The arithmetic is that of x86-64: __va() and page_to_pfn() of arch/x86/include/asm.
  if (arch !== 'x64' || pageStructBytes === 0 || !hasKnownFrags(btf) || !may.pages()) return NONE;
  const names = ['page_offset_base', 'vmemmap_base'];
  const [pageOffsetBase, vmemmapBase] = variableAddresses(reader, names, memory);
  if (pageOffsetBase === undefined || vmemmapBase === undefined) return NONE;
  return { kind: 'pages', pageOffsetBase, vmemmapBase, pageStructBytes };
}

/** Page, length and offset lie where struct xcap_frag has them: struct bio_vec until 6.8. */
function hasKnownFrags(btf: Btf): boolean {
  const [struct, length, offset] =
    memberPath(btf, 'skb_frag', 'len') === undefined
      ? ['bio_vec', 'bv_len', 'bv_offset']
      : ['skb_frag', 'len', 'offset'];
  return (
    btf.struct(struct)?.sizeBytes === 16 &&
    memberPath(btf, struct, length)?.offsetBytes === 8 &&
    memberPath(btf, struct, offset)?.offsetBytes === 12
  );
}
