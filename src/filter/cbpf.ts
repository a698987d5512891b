/** Classic BPF as libpcap and the kernel spell it (include/uapi/linux/bpf_common.h). */

/** One `struct sock_filter`: `code` 16 bit, `jt` and `jf` 8 bit, `k` unsigned 32 bit. */
export interface RawInsn {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

export type RawProgram = readonly RawInsn[];

/** Compiles a pcap-filter expression; implemented by ffi/libpcap.ts, so that filter/ stays pure. */
export interface ExpressionCompiler {
  /**
   * @param linkType DLT number (1 EN10MB, 12 RAW)
   * @returns the program, or libpcap's own message
   */
  compile(
    expression: string,
    options: { readonly linkType: number; readonly snaplen: number; readonly optimize: boolean },
  ): { readonly program: RawProgram } | { readonly error: string };
}
