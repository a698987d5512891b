import type { Btf } from '../btf/btf.ts';
import { memberPath } from '../btf/members.ts';
import { variableAddresses } from './data-symbol.ts';
import type { KernelMemory } from './memory.ts';
import type { FileReader } from './reader.ts';

/** Where the kernel keeps what a program redirects to: see templates/include/xdp/redirect.h. */
export type RedirectSource =
  /** In the running task's bpf_net_context, from 6.11 on (commit 401cb7dae813). */
  | { readonly kind: 'task'; readonly contextOffset: number; readonly infoOffset: number }
  /** In a per-CPU variable: its offset, and the address of the CPUs' bases. */
  | { readonly kind: 'cpu'; readonly info: bigint; readonly perCpuOffsets: bigint }
  | { readonly kind: 'none' };

export function redirectSource(
  btf: Btf,
  arch: string,
  reader: FileReader,
  memory?: KernelMemory,
): RedirectSource {
  const context = memberPath(btf, 'task_struct', 'bpf_net_context');
  const info = memberPath(btf, 'bpf_net_context', 'ri');
  if (context !== undefined && info !== undefined) {
    return { kind: 'task', contextOffset: context.offsetBytes, infoOffset: info.offsetBytes };
  }
  if (arch !== 'x64') return { kind: 'none' };
  const names = ['bpf_redirect_info', '__per_cpu_offset'];
  const [variable, perCpuOffsets] = variableAddresses(reader, names, memory);
  if (variable === undefined || perCpuOffsets === undefined) return { kind: 'none' };
  return { kind: 'cpu', info: variable, perCpuOffsets };
}
