import type { Btf } from '../btf/btf.ts';
import { findVariable } from '../btf/functions.ts';
import { memberPath } from '../btf/members.ts';

/** How a program tells process context from an interrupt: see templates/include/context.h. */
export type ContextSource =
  | { readonly kind: 'preempt-count'; readonly btfId: number; readonly offset: number }
  | { readonly kind: 'task-stack'; readonly offset: number }
  | { readonly kind: 'unknown' };

/**
 * Where this kernel keeps the per-CPU preempt count: a variable of its own, or from 6.2 to 6.14 a
 * member of pcpu_hot (commits 64701838bf05, 46e8fff6d45f).
 */
export function preemptCount(btf: Btf): { btfId: number; offset: number } | undefined {
  const hot = findVariable(btf, 'pcpu_hot');
  const member = memberPath(btf, 'pcpu_hot', 'preempt_count');
  if (hot !== undefined && member !== undefined) {
    return { btfId: hot.id, offset: member.offsetBytes };
  }
  const variable = findVariable(btf, '__preempt_count');
  return variable === undefined ? undefined : { btfId: variable.id, offset: 0 };
}

/** @param canReachPercpu whether the verifier finds that variable (kallsyms with data symbols) */
export function contextSource(btf: Btf, arch: string, canReachPercpu: boolean): ContextSource {
  const count = preemptCount(btf);
  if (count !== undefined && canReachPercpu) return { kind: 'preempt-count', ...count };
  const stack = memberPath(btf, 'task_struct', 'stack');
  // Interrupts have a stack of their own on x86-64; elsewhere the place tells nothing.
  if (stack !== undefined && arch === 'x64') {
    return { kind: 'task-stack', offset: stack.offsetBytes };
  }
  return { kind: 'unknown' };
}
