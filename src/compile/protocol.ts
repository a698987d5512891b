/** What passes between the tracer and its compiler child, each one JSON document on a pipe. */

/** The child's descriptor for its reply. */
export const REPLY_FD = 3;

/** What libbcc is told besides the texts. */
export const CFLAGS = [
  '-Wno-unused-function',
  '-Wno-unused-variable',
  // Else a call of what there is not becomes a jump into nowhere, which only the verifier sees.
  '-Werror=implicit-function-declaration',
  // libbcc asks for debug information and makes BTF of it; nobody reads that.
  '-g0',
  // libbcc optimises what clang hands over (run_pass_manager() in its bpf_module.cc): once is enough.
  '-Xclang',
  '-disable-llvm-passes',
] as const;

/** One C text and the functions that are wanted of it. */
export interface CompileUnit {
  readonly text: string;
  readonly functions: readonly string[];
}

export interface CompileRequest {
  readonly units: readonly CompileUnit[];
  readonly cflags: readonly string[];
}

/** A file as it was; whatever replaces or changes it gives another. */
export interface FileIdentity {
  readonly path: string;
  readonly inode: string;
  readonly bytes: string;
  readonly mtimeNs: string;
  readonly ctimeNs: string;
}

export interface Compiled {
  /** Instructions in Base64, of the functions of all units in their order. */
  readonly insns: readonly string[];
  /** The libraries that compiled them. */
  readonly compiler: readonly FileIdentity[];
}

export type CompileReply =
  | Compiled
  | { readonly error: string; readonly exitCode: number; readonly hint?: string | undefined };
