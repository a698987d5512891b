import type { Btf } from '../btf/btf.ts';
import { memberPath } from '../btf/members.ts';
import { variableAddress } from './data-symbol.ts';
import type { FileReader } from './reader.ts';

/** Where the kernel keeps what a program redirects to: see templates/include/xdp/redirect.h. */
export type RedirectSource =
  /** In the running task's bpf_net_context, from 6.11 on (commit 401cb7dae813). */
  | { readonly kind: 'task'; readonly contextOffset: number; readonly infoOffset: number }
  /** In a per-CPU variable: its offset, and the address of the CPUs' bases. */
  | { readonly kind: 'cpu'; readonly info: bigint; readonly perCpuOffsets: bigint }
  | { readonly kind: 'none' };

export function redirectSource(btf: Btf, arch: string, reader: FileReader): RedirectSource {
  const context = memberPath(btf, 'task_struct', 'bpf_net_context');
  const info = memberPath(btf, 'bpf_net_context', 'ri');
  if (context !== undefined && info !== undefined) {
    return { kind: 'task', contextOffset: context.offsetBytes, infoOffset: info.offsetBytes };
  }
  const kallsyms = arch === 'x64' ? reader.readFile('/proc/kallsyms') : undefined;
  if (kallsyms === undefined) return { kind: 'none' };
  const variable = variableAddress(kallsyms, 'bpf_redirect_info');
  const perCpuOffsets = variableAddress(kallsyms, '__per_cpu_offset');
  if (variable === undefined || perCpuOffsets === undefined) return { kind: 'none' };
  return { kind: 'cpu', info: variable, perCpuOffsets };
}
