import type { Btf } from '../btf/btf.ts';
import { enumValues } from '../btf/enums.ts';
import { funcProto, typedefId } from '../btf/functions.ts';
import { memberPath } from '../btf/members.ts';
import { preemptCount } from './context-source.ts';
import { FEATURES, type FeatureId, type Prober } from './features.ts';
import { preemptFunctions } from './preempt-functions.ts';

/** What can be told of a kernel that does not run here. */
export interface DescribedKernel {
  readonly btf: Btf;
  /** As uname -r has it. */
  readonly release: string;
  readonly arch: string;
}

/** `types`: they tell; `assumed`: they do not, the release or habit does. */
interface Belief {
  readonly has: boolean;
  readonly by: 'types' | 'assumed';
}

/** Answers for a kernel that cannot be asked. */
export interface AssumedFeatures {
  readonly prober: Prober;
  /** Those of `ids` that the types do not tell of, and that were taken to be there, or not. */
  readonly assumed: (ids: Iterable<FeatureId>) => readonly FeatureId[];
}

export function assumeFeatures(kernel: DescribedKernel): AssumedFeatures {
  const known = new Map<FeatureId, Belief>();
  const belief = (id: FeatureId): Belief => {
    const found = known.get(id) ?? BELIEFS[id](kernel, (other) => belief(other).has);
    known.set(id, found);
    return found;
  };
  return {
    prober: (id) => (belief(id).has ? 'yes' : 'no'),
    assumed: (ids) => [...ids].filter((id) => belief(id).by === 'assumed'),
  };
}

const told = (has: boolean): Belief => ({ has, by: 'types' });
const taken = (has: boolean): Belief => ({ has, by: 'assumed' });
/** Only where the types allow it is there anything to assume. */
const takenIf = (possible: boolean, has = true): Belief => (possible ? taken(has) : told(false));

type Judge = (kernel: DescribedKernel, has: (id: FeatureId) => boolean) => Belief;

/** bpf_func_id and the like have what the kernel's source knows: the helper itself may still be refused. */
const enumerator =
  (type: string, name: string): Judge =>
  ({ btf }) =>
    told(enumValues(btf, type)?.has(name) === true);

/** The first mainline release that has it, for what leaves no trace in the types. */
const byRelease =
  (id: FeatureId): Judge =>
  ({ release }) =>
    taken(isSince(release, FEATURES[id].since));

/** `6.12.95+deb13-amd64` is since `6.12`. */
function isSince(release: string, since: string): boolean {
  const [major = 0, minor = 0] = release.split(/[.-]/).map(Number);
  const [sinceMajor = 0, sinceMinor = 0] = since.split('.').map(Number);
  return major > sinceMajor || (major === sinceMajor && minor >= sinceMinor);
}

/** As src/bpf/probes.ts asks a kernel that runs, as far as types can answer. */
const BELIEFS: Readonly<Record<FeatureId, Judge>> = {
  btf: () => told(true),
  'raw-tp': byRelease('raw-tp'),
  'tp-btf': ({ btf }) => told(typedefId(btf, 'btf_trace_kfree_skb') !== undefined),
  ringbuf: enumerator('bpf_map_type', 'BPF_MAP_TYPE_RINGBUF'),
  // It takes CONFIG_KALLSYMS_ALL, as distributions have it.
  'percpu-ksym': ({ btf }) => takenIf(preemptCount(btf) !== undefined),
  'var-stack-read': byRelease('var-stack-read'),
  'recursion-misses': ({ btf }) =>
    told(memberPath(btf, 'bpf_prog_info', 'recursion_misses') !== undefined),
  'preemptible-tracepoints': (kernel) =>
    takenIf(
      preemptFunctions(kernel.btf) !== undefined,
      isSince(kernel.release, FEATURES['preemptible-tracepoints'].since),
    ),
  fentry: ({ btf }) => told(hasDirectCalls(btf)),
  'attach-cookie': enumerator('bpf_func_id', 'BPF_FUNC_get_attach_cookie'),
  kprobe: ({ btf }) => told(funcProto(btf, 'perf_kprobe_init') !== undefined),
  'bpf-loop': enumerator('bpf_func_id', 'BPF_FUNC_loop'),
  'kprobe-misses': ({ btf }) =>
    told(memberPath(btf, 'bpf_link_info', 'perf_event.kprobe.missed') !== undefined),
  'get-func-arg': (kernel, has) =>
    has('fentry') ? enumerator('bpf_func_id', 'BPF_FUNC_get_func_arg')(kernel, has) : told(false),
  'xdp-dispatcher': ({ btf }, has) =>
    told(
      has('get-func-arg') &&
        funcProto(btf, 'register_ftrace_direct') !== undefined &&
        funcProto(btf, 'bpf_dispatcher_xdp_func') !== undefined &&
        memberPath(btf, 'bpf_dispatcher', 'sc_key') !== undefined,
    ),
  'skb-dynptr': ({ btf, release }, has) =>
    takenIf(
      has('tp-btf') && funcProto(btf, 'bpf_dynptr_from_skb') !== undefined,
      isSince(release, FEATURES['skb-dynptr'].since),
    ),
  'rdonly-cast': ({ btf }) => told(funcProto(btf, 'bpf_rdonly_cast') !== undefined),
  // It takes CONFIG_KALLSYMS_ALL, which the addresses come from.
  'direct-map': ({ arch }) => takenIf(arch === 'x64'),
  'xdp-load-bytes': enumerator('bpf_func_id', 'BPF_FUNC_xdp_load_bytes'),
  'kprobe-multi': ({ btf }) =>
    told(
      funcProto(btf, 'register_fprobe_ips') !== undefined &&
        enumValues(btf, 'bpf_attach_type')?.has('BPF_TRACE_KPROBE_MULTI') === true,
    ),
};

/** CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS; the BTF of 5.10 has this struct instead. */
function hasDirectCalls(btf: Btf): boolean {
  return (
    funcProto(btf, 'register_ftrace_direct') !== undefined ||
    btf.struct('ftrace_direct_func') !== undefined
  );
}
