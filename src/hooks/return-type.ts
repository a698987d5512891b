/** What a return value means. */
export type ReturnType =
  | { readonly kind: 'enum'; readonly names: ReadonlyMap<bigint, string>; readonly bits: number }
  | { readonly kind: 'pointer' }
  | { readonly kind: 'unsigned'; readonly bits: number }
  /** Of small negative ones the error's name is told. */
  | { readonly kind: 'signed'; readonly bits: number }
  | { readonly kind: 'verdict'; readonly by: 'tc' | 'xdp' };
