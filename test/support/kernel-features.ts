import { readdirSync } from 'node:fs';
import { createProber } from '../../src/bpf/probes.ts';
import { unitAbilities } from '../../src/capture/unit-abilities.ts';
import type { UnitKind } from '../../src/codegen/unit-kind.ts';
import { liftMemlockLimit } from '../../src/ffi/libc.ts';
import { liveReader } from '../../src/kernel/reader.ts';
import { openKernelView } from '../../src/kernel/view.ts';

liftMemlockLimit();
const view = openKernelView({ reader: liveReader, arch: process.arch, createProber });

/** What the running kernel can do, found by trying: for tests that need one of these. */
export const kernel = {
  fentry: view.features.has('fentry'),
  kprobe: view.features.has('kprobe'),
  kprobeMisses: view.features.has('kprobe') && view.features.has('kprobe-misses'),
  /** All XDP programs can be traced in one place. */
  xdpDispatcher: view.features.has('xdp-dispatcher'),
  attachCookie: view.features.has('attach-cookie'),
  /** Batches of AF_XDP descriptors can be taken apart. */
  bpfLoop: view.features.has('bpf-loop'),
  kprobeMulti: view.features.has('kprobe-multi'),
  /** XDP programs for packets of several buffers. */
  xdpFrags: view.features.has('xdp-load-bytes'),
  /** Types of what modules define: those of the modules that are loaded from the start. */
  moduleBtf: readdirSync('/sys/kernel/btf').length > 1,
  /** Packet bytes in pages can be read by programs of the kind. */
  pagesOf: (kind: UnitKind): boolean => unitAbilities(view, liveReader)(kind).paged.kind !== 'none',
  /** A function that can be traced. */
  hasFunction: (name: string): boolean => view.traceable.has(name),
} as const;
