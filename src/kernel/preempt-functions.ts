import type { Btf } from '../btf/btf.ts';
import { funcProto } from '../btf/functions.ts';

/** BTF ids of the kernel functions by which a program keeps its CPU: see templates/include/context.h. */
export interface PreemptFunctions {
  /** bpf_preempt_disable(), bpf_preempt_enable(): 6.10, commit fc7566ad0a82. */
  readonly disable: number;
  readonly enable: number;
  /** bpf_local_irq_save(), bpf_local_irq_restore(): 6.14, commit c8e2ee1f3df0. */
  readonly irqSave: number;
  readonly irqRestore: number;
}

export function preemptFunctions(btf: Btf): PreemptFunctions | undefined {
  const [disable, enable, irqSave, irqRestore] = [
    'bpf_preempt_disable',
    'bpf_preempt_enable',
    'bpf_local_irq_save',
    'bpf_local_irq_restore',
  ].map((name) => funcProto(btf, name)?.id);
  if (
    disable === undefined ||
    enable === undefined ||
    irqSave === undefined ||
    irqRestore === undefined
  ) {
    return undefined;
  }
  return { disable, enable, irqSave, irqRestore };
}
