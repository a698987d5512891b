import { Btf } from '../btf/btf.ts';
import { UnsupportedError } from '../errors.ts';
import { Cgroups } from './cgroups.ts';
import { DropReasons } from './drop-reasons.ts';
import { type FeatureId, Features, type Prober } from './features.ts';
import { type Clock, monotonicClock } from './gate.ts';
import { loadedModules } from './loaded-modules.ts';
import type { KernelMemory } from './memory.ts';
import { ModuleBtfs } from './module-btfs.ts';
import { NetnsNames } from './netns.ts';
import { argumentRegisters, type PtRegs } from './pt-regs.ts';
import { type FileReader, readText } from './reader.ts';
import { SocketOwners } from './socket-owners.ts';
import { type AddressNames, KernelSymbols } from './symbols.ts';
import { TraceableFunctions } from './traceable.ts';

const VMLINUX = '/sys/kernel/btf/vmlinux';

/** All that xcap knows of a kernel: the running one, or a recorded one. Parts are read when first asked for. */
export interface KernelView {
  /** As uname -r has it: for messages, never to branch on. */
  readonly release: string;
  /** As Node's process.arch has it: `x64`. */
  readonly arch: string;
  /** Throws UnsupportedError when the kernel has no BTF. */
  readonly btf: Btf;
  readonly modules: ModuleBtfs;
  readonly reasons: DropReasons;
  readonly symbols: KernelSymbols;
  readonly traceable: TraceableFunctions;
  /** Where a kprobe finds arguments; undefined on an architecture whose calls are not known here. */
  readonly registers: PtRegs | undefined;
  /** Modules that are loaded, built-in ones not among them. */
  readonly loadedModules: () => readonly string[];
  /** Modules that this kernel could load; none where /lib/modules does not have its own. */
  readonly loadableModules: () => readonly string[];
  readonly netns: NetnsNames;
  readonly socketOwners: SocketOwners;
  readonly cgroups: Cgroups;
  readonly features: Features;
  /** What was found out before; undefined: nothing. */
  readonly memory: KernelMemory | undefined;
  /** Lets go of the BTF, some 8 MB: it is read again should it be asked for again. */
  forgetTypes(): void;
}

export interface KernelViewOptions {
  readonly reader: FileReader;
  readonly arch: string;
  /** Makes what tries features on this kernel. */
  readonly createProber: (btf: Btf) => Prober;
  /** Makes what names addresses of this kernel, unless only its kallsyms does. */
  readonly createNames?: (() => AddressNames | undefined) | undefined;
  readonly memory?: KernelMemory | undefined;
  /** Features to take as missing. */
  readonly withoutFeatures?: Iterable<FeatureId>;
  readonly now?: Clock;
}

export function openKernelView(options: KernelViewOptions): KernelView {
  const { reader, arch, createProber, now = monotonicClock } = options;
  const btf = lazy(() => readKernelBtf(reader));
  const modules = new ModuleBtfs(reader, btf);
  const reasons = lazy(() => DropReasons.fromBtf(btf(), modules, now));
  const prober = lazy(() => createProber(btf()));
  const registers = lazy(() => argumentRegisters(btf(), arch));
  const release = lazy(() => readText(reader, '/proc/sys/kernel/osrelease') ?? 'unknown');
  return {
    get release() {
      return release();
    },
    arch,
    get btf() {
      return btf();
    },
    modules,
    loadableModules: () => loadableModules(reader, release()),
    get reasons() {
      return reasons();
    },
    symbols: new KernelSymbols(reader, now, options.createNames),
    traceable: new TraceableFunctions(reader),
    get registers() {
      return registers();
    },
    loadedModules: () => loadedModules(reader).map(({ name }) => name),
    netns: new NetnsNames(reader, now),
    socketOwners: new SocketOwners(reader, now),
    cgroups: new Cgroups(reader, now),
    memory: options.memory,
    features: new Features((id) => prober()(id), options.withoutFeatures),
    forgetTypes() {
      btf.forget();
      prober.forget();
      modules.forget();
    },
  };
}

/** The BTF of the kernel itself. Throws UnsupportedError when there is none. */
export function readKernelBtf(reader: FileReader): Btf {
  const bytes = reader.readFile(VMLINUX);
  if (bytes !== undefined) return Btf.parse(bytes);
  throw new UnsupportedError(`reading the kernel's types: ${VMLINUX}: no such file`, {
    hint: 'use a kernel built with CONFIG_DEBUG_INFO_BTF=y (Debian 11 and later, Ubuntu 20.10 and later have it)',
  });
}

/** By modules.dep: `kernel/drivers/net/veth.ko.xz: ...`; names have `_` for `-`, as in /proc/modules. */
function loadableModules(reader: FileReader, release: string): readonly string[] {
  const text = readText(reader, `/lib/modules/${release}/modules.dep`) ?? '';
  return [...text.matchAll(/^[^:\n]*?([^/:\n]+)\.ko[^:\n]*:/gm)].map((match) =>
    (match[1] ?? '').replaceAll('-', '_'),
  );
}

interface Lazy<T> {
  (): T;
  /** The next call makes it anew. */
  forget(): void;
}

function lazy<T>(make: () => T): Lazy<T> {
  let made: { readonly value: T } | undefined;
  return Object.assign(() => (made ??= { value: make() }).value, {
    forget: () => {
      made = undefined;
    },
  });
}
