/** What passes between the tracer and its compiler child, each one JSON document on a pipe. */

/** The child's descriptor for its reply. */
export const REPLY_FD = 3;

/** One C text and the functions that are wanted of it. */
export interface CompileUnit {
  readonly text: string;
  readonly functions: readonly string[];
}

export interface CompileRequest {
  readonly units: readonly CompileUnit[];
  readonly cflags: readonly string[];
}

/** Instructions in Base64, of the functions of all units in their order. */
export type CompileReply =
  | { readonly insns: readonly string[] }
  | { readonly error: string; readonly exitCode: number; readonly hint?: string | undefined };
