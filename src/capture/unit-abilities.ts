import { funcProto } from '../btf/functions.ts';
import { memberPath } from '../btf/members.ts';
import type { UnitKind } from '../codegen/unit-kind.ts';
import type { UnitAbilities } from '../codegen/program-input.ts';
import { pagedSource, type PagedSource } from '../kernel/paged-source.ts';
import { preemptFunctions, type PreemptFunctions } from '../kernel/preempt-functions.ts';
import type { FileReader } from '../kernel/reader.ts';
import type { KernelView } from '../kernel/view.ts';

/** What programs of each kind may do on this kernel, and what they have to see to by themselves. */
export function unitAbilities(
  view: KernelView,
  reader: FileReader,
): (kind: UnitKind) => UnitAbilities {
  const known = new Map<UnitKind, UnitAbilities>();
  return (kind) => {
    let abilities = known.get(kind);
    if (abilities === undefined) {
      abilities = {
        ...ownCpu(view, kind),
        paged: paged(view, reader, kind),
        cast: rdonlyCast(view, kind),
      };
      known.set(kind, abilities);
    }
    return abilities;
  };
}

/** How a program and its slot stay on one CPU: see templates/include/context.h and slots.h. */
function ownCpu(view: KernelView, kind: UnitKind): Pick<UnitAbilities, 'preempt' | 'claims'> {
  const functions = (): PreemptFunctions | undefined => preemptFunctions(view.btf);
  switch (kind) {
    case 'tp-btf':
    case 'raw-tp': {
      const preemptible = view.features.has('preemptible-tracepoints');
      return { preempt: preemptible ? functions() : undefined, claims: false };
    }
    case 'fentry':
    case 'fentry-any':
    case 'program': {
      const preempt = trampolinesPreemptible(view) ? functions() : undefined;
      return { preempt, claims: preempt === undefined && trampolinesPreemptible(view) };
    }
    // XDP runs with bottom halves off, which is preemption off.
    case 'xdp':
    case 'kprobe':
    case 'kprobe-multi':
      // kprobes and ftrace turn preemption off around their handlers (Documentation/trace/kprobes.rst).
      return { preempt: undefined, claims: false };
  }
}

/**
 * A trampoline calls migrate_disable(), which turned preemption off until tasks got a counter for it
 * (5.11, commit 74d862b682f5).
 */
function trampolinesPreemptible({ btf }: Pick<KernelView, 'btf'>): boolean {
  return memberPath(btf, 'task_struct', 'migration_disabled') !== undefined;
}

function rdonlyCast({ btf, features }: KernelView, kind: UnitKind): number | undefined {
  // What a program of XDP reads of the kernel is little; it is not asked whether it may.
  if (kind === 'xdp' || !features.has('rdonly-cast')) return undefined;
  return funcProto(btf, 'bpf_rdonly_cast')?.id;
}

function paged(
  { btf, arch, features, memory }: KernelView,
  reader: FileReader,
  kind: UnitKind,
): PagedSource {
  if (kind === 'xdp') return { kind: features.has('xdp-load-bytes') ? 'xdp' : 'none' };
  const may = {
    // The verifier trusts the arguments of tracepoints, not those of fentry.
    dynptr: () => kind === 'tp-btf' && features.has('skb-dynptr'),
    pages: () => features.has('direct-map'),
  };
  return pagedSource(btf, arch, reader, may, memory);
}
