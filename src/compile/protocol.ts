/** What passes between the tracer and its compiler child, each one JSON document on a pipe. */

/** The child's descriptor for its reply. */
export const REPLY_FD = 3;

export interface CompileRequest {
  readonly text: string;
  readonly functions: readonly string[];
  readonly cflags: readonly string[];
}

export type CompileReply =
  | { readonly insns: readonly string[] }
  | { readonly error: string; readonly exitCode: number; readonly hint?: string | undefined };
