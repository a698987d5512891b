import { createProber } from '../bpf/probes.ts';
import { liveReader } from '../kernel/reader.ts';
import { openKernelView } from '../kernel/view.ts';

/** Whether this kernel's verifier accepts stack reads at variable offsets (5.12). */
export function varStackRead(): boolean {
  const view = openKernelView({ reader: liveReader, arch: process.arch, createProber });
  return view.features.has('var-stack-read');
}
