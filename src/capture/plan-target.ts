import type { Btf } from '../btf/btf.ts';
import { createAddressNames } from '../bpf/address-names.ts';
import { createProber } from '../bpf/probes.ts';
import { openLibpcap } from '../ffi/libpcap.ts';
import type { ExpressionCompiler } from '../filter/cbpf.ts';
import type { Prober } from '../kernel/features.ts';
import type { KernelMemory } from '../kernel/memory.ts';
import type { AddressNames } from '../kernel/symbols.ts';
import { liveReader, type FileReader } from '../kernel/reader.ts';

/** The system that a plan is made for, and how it is asked. */
export interface PlanTarget {
  readonly reader: FileReader;
  /** As Node's process.arch has it. */
  readonly arch: string;
  readonly createProber: (btf: Btf) => Prober;
  /** As in KernelViewOptions. */
  readonly createNames?: () => AddressNames | undefined;
  readonly expressions: ExpressionCompiler;
  /** What was found out about it before; undefined: nothing. */
  readonly memory?: KernelMemory | undefined;
  /** Namespaces and devices are looked up where the program will run: any number stands for them here. */
  readonly namesLater: boolean;
}

/** libpcap, opened when there is something to compile. */
export const libpcap: ExpressionCompiler = {
  compile: (expression, options) => (opened ??= openLibpcap()).compile(expression, options),
};
let opened: ExpressionCompiler | undefined;

/** The running kernel. */
export const THIS_SYSTEM: PlanTarget = {
  reader: liveReader,
  arch: process.arch,
  createProber,
  createNames: createAddressNames,
  expressions: libpcap,
  namesLater: false,
};
