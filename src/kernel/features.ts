import { UsageError } from '../errors.ts';
import { nearest } from '../util/nearest.ts';

export interface FeatureInfo {
  /** What it is, for `xcap doctor` and messages. */
  readonly doc: string;
  /** First mainline version that has it: for messages and tests only, never to branch on. */
  readonly since: string;
}

/** What xcap asks of a kernel. Whether it is there is found by trying (src/bpf/probes.ts). */
export const FEATURES = {
  btf: { doc: "the kernel's own type information", since: '5.4' },
  'raw-tp': { doc: 'BPF programs on raw tracepoints', since: '4.17' },
  'tp-btf': { doc: 'BTF-typed BPF programs on tracepoints', since: '5.5' },
  ringbuf: { doc: 'BPF ring buffer', since: '5.8' },
  'percpu-ksym': { doc: 'per-CPU kernel variables in BPF programs', since: '5.10' },
  'var-stack-read': { doc: 'reads of the BPF stack at variable offsets', since: '5.12' },
  'recursion-misses': { doc: 'count of events missed by recursion', since: '5.12' },
  'preemptible-tracepoints': { doc: 'tracepoints that leave preemption on', since: '7.0' },
  fentry: { doc: 'BPF programs at the entry of kernel functions', since: '5.5' },
  'attach-cookie': { doc: 'bpf_get_attach_cookie() in kprobe programs', since: '5.15' },
  kprobe: { doc: 'kprobes by perf_event_open()', since: '4.17' },
  'kprobe-misses': {
    doc: 'count of events that kprobe programs missed because another was running',
    since: '6.7',
  },
  'get-func-arg': { doc: 'bpf_get_func_arg() in fentry programs', since: '5.17' },
  'bpf-loop': { doc: 'loops of any length in BPF programs', since: '5.17' },
  'xdp-dispatcher': {
    doc: 'BPF programs at the function that calls all XDP programs',
    since: '6.1',
  },
  'skb-dynptr': {
    doc: "a packet's paged data through a dynptr in tracing programs",
    since: '6.12',
  },
  'rdonly-cast': { doc: 'typed loads from any address in BPF programs', since: '6.2' },
  'direct-map': { doc: "a packet's paged data through the kernel's direct map", since: '5.2' },
  'xdp-load-bytes': { doc: 'packets of several buffers in XDP programs', since: '5.18' },
  'kprobe-multi': { doc: 'one probe on many functions', since: '5.18' },
} as const satisfies Record<string, FeatureInfo>;
export type FeatureId = keyof typeof FEATURES;

/** `unknown`: it could not be tried, for want of a privilege or of memory; says why. */
export type FeatureAnswer = 'yes' | 'no' | { readonly unknown: string };

/** Tries one feature on the kernel. */
export type Prober = (id: FeatureId) => FeatureAnswer;

/** Answers about a kernel; a yes or no is asked for once, an unknown again each time. */
export class Features {
  readonly #probe: Prober;
  readonly #answers = new Map<FeatureId, 'yes' | 'no'>();

  /** @param without features taken as missing (`--without-feature`): how fallbacks are tested */
  constructor(probe: Prober, without: Iterable<FeatureId> = []) {
    this.#probe = probe;
    for (const id of without) this.#answers.set(id, 'no');
  }

  get(id: FeatureId): FeatureAnswer {
    const known = this.#answers.get(id);
    if (known !== undefined) return known;
    const answer = this.#probe(id);
    if (answer === 'yes' || answer === 'no') this.#answers.set(id, answer);
    return answer;
  }

  /** True for a yes only. */
  has(id: FeatureId): boolean {
    return this.get(id) === 'yes';
  }
}

/** A feature by name. Throws UsageError with the nearest names. */
export function parseFeature(name: string): FeatureId {
  const ids = Object.keys(FEATURES) as FeatureId[];
  const id = ids.find((each) => each === name);
  if (id !== undefined) return id;
  const near = nearest(name, ids);
  throw new UsageError(`choosing features: ${name}: no such feature`, {
    hint: `${near.length > 0 ? `did you mean ${near.join(' or ')}? ` : ''}features are ${ids.join(', ')}`,
  });
}
