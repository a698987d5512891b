import type { BuiltProgram } from '../../../../src/capture/built-program.ts';
import { PROGRAM_LICENSE } from '../../../../src/codegen/program.ts';

/** mov r0, 0; exit */
const NOTHING = Buffer.from('b7000000000000009500000000000000', 'hex');

/** As `xcap build` makes one, with something of each kind in it. */
export const BUILT: BuiltProgram = {
  xcap: '0.1.0',
  kernel: { release: '6.12.107+deb13-cloud-amd64', arch: 'x64', btf: 'a'.repeat(64) },
  abilities: [
    { id: 'tp-btf', has: true },
    { id: 'percpu-ksym', has: false },
  ],
  options: {
    hooks: ['drop', 'rx'],
    backend: 'kprobe-multi',
    exclude: ['skb_*'],
    maxHooks: 100,
    loadPass: false,
    xdpActions: [1, 2],
    partial: true,
    expression: 'icmp or "ü"',
    inner: '',
    interface: 'eth0@blue',
    metadata: [
      { key: 'pid', negate: false, value: 15 },
      { key: 'netns', negate: false, value: 'blue' },
      { key: 'netns', negate: true, value: 'red' },
      { key: 'comm', negate: true, value: 'curl' },
      { key: 'mark', negate: false, value: 0x10, mask: 0xff },
      { key: 'container', negate: false, value: '0123' },
    ],
    where: ['len > 100'],
    who: { owner: false, cgroup: true, follow: false },
    snaplen: 128,
    ringKiB: 4096,
    sample: 10,
    maxOverhead: undefined,
    withoutFeature: ['skb-dynptr'],
    filterC: { name: 'mine.c', text: 'static inline int xcap_ext_filter(void) { return 1; }' },
    actionC: undefined,
  },
  expressions: [
    {
      expression: 'icmp',
      linkType: 1,
      snaplen: 262144,
      optimize: true,
      answer: { program: [{ code: 6, jt: 0, jf: 0, k: 262144 }] },
    },
    {
      expression: 'ether host x',
      linkType: 12,
      snaplen: 262144,
      optimize: false,
      answer: { error: 'unknown host' },
    },
  ],
  hooks: ['packet drops (skb:kfree_skb, BTF-typed)'],
  license: PROGRAM_LICENSE,
  units: [{ sha256: 'b'.repeat(64), functions: ['xcap_tp_btf_0'] }],
  insns: [NOTHING.toString('base64')],
};
