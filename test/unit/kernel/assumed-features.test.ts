import { describe, expect, it } from 'vitest';
import { Btf } from '../../../src/btf/btf.ts';
import { assumeFeatures } from '../../../src/kernel/assumed-features.ts';
import type { FeatureId } from '../../../src/kernel/features.ts';
import { BtfBuilder } from '../../support/btf-builder.ts';

function assume(release: string, btf = Btf.parse(new BtfBuilder().build()), arch = 'x64') {
  return assumeFeatures({ btf, release, arch });
}

describe('assumeFeatures()', () => {
  it.each<[string, FeatureId, 'yes' | 'no']>([
    ['5.11.22', 'var-stack-read', 'no'],
    ['5.12.0', 'var-stack-read', 'yes'],
    ['6.1.0-49-amd64', 'var-stack-read', 'yes'],
    ['10.0', 'var-stack-read', 'yes'],
    ['5.9', 'raw-tp', 'yes'],
    ['4.9.0', 'raw-tp', 'no'],
  ])('goes by the release where types do not tell: %s, %s: %s', (release, id, answer) => {
    const features = assume(release);
    expect(features.prober(id)).toBe(answer);
    expect(features.assumed([id])).toEqual([id]);
  });

  it('assumes nothing that the types rule out', () => {
    const features = assume('7.5');
    const ids: readonly FeatureId[] = [
      ...(['tp-btf', 'ringbuf', 'percpu-ksym', 'preemptible-tracepoints', 'fentry'] as const),
      ...(['attach-cookie', 'kprobe', 'get-func-arg', 'xdp-dispatcher', 'skb-dynptr'] as const),
      ...(['xdp-load-bytes', 'kprobe-multi', 'kprobe-misses'] as const),
    ];
    expect(ids.filter((id) => features.prober(id) !== 'no')).toEqual([]);
    expect(features.assumed(ids)).toEqual([]);
  });

  it('knows by the enumerators which helpers a kernel has', () => {
    const builder = new BtfBuilder();
    const values = [{ name: 'BPF_FUNC_xdp_load_bytes', value: 189n }];
    builder.add({ kind: 'enum', name: 'bpf_func_id', sizeBytes: 4, signed: false, values });
    const features = assume('5.18', Btf.parse(builder.build()));
    expect([features.prober('xdp-load-bytes'), features.prober('attach-cookie')]).toEqual([
      ...['yes', 'no'],
    ]);
    expect(features.assumed(['xdp-load-bytes'])).toEqual([]);
  });

  it('takes a dynptr for tracing programs from the release that allows it', () => {
    const builder = new BtfBuilder();
    const proto = builder.add({ kind: 'func_proto', name: '', returnTypeId: 0, params: [] });
    builder.add({ kind: 'func', name: 'bpf_dynptr_from_skb', typeId: proto, linkage: 1 });
    builder.add({ kind: 'typedef', name: 'btf_trace_kfree_skb', typeId: proto });
    const btf = Btf.parse(builder.build());
    expect(assume('6.12.1', btf).prober('skb-dynptr')).toBe('yes');
    expect(assume('6.12.1', btf).assumed(['skb-dynptr', 'tp-btf'])).toEqual(['skb-dynptr']);
    expect(assume('6.11.9', btf).prober('skb-dynptr')).toBe('no');
  });

  it('computes addresses on x86-64 only', () => {
    expect(assume('6.12').prober('direct-map')).toBe('yes');
    expect(assume('6.12', undefined, 'arm64').prober('direct-map')).toBe('no');
  });
});
