import type { MapSpec } from '../abi/maps.ts';
import { COUNTERS } from '../abi/counters.ts';
import { BpfMap } from '../bpf/map.ts';
import { ATTACH_TYPE, BpfProgram, PROG_TYPE, TracepointLink } from '../bpf/program.ts';
import { Ring } from '../bpf/ring.ts';
import { relocate, type CompiledObject } from '../compile/object.ts';
import { liftMemlockLimit } from '../ffi/libc.ts';
import type { ResolvedHook } from '../hooks/spec.ts';
import { Disposer } from '../util/disposer.ts';
import { sumCounters, type KernelCounts } from './stats.ts';

/** The kernel's side of a run: maps, programs, links. Everything goes with the process. */
export class Session implements Disposable {
  readonly ring: Ring;
  readonly #maps: ReadonlyMap<string, BpfMap>;
  readonly #possibleCpus: number;
  readonly #programs: BpfProgram[] = [];
  readonly #held = new Disposer();
  readonly #links = new Disposer();

  /** Creates the maps: the first step that needs privileges. @throws PermissionError, SystemError */
  constructor(specs: readonly MapSpec[], possibleCpus: number) {
    liftMemlockLimit();
    this.#possibleCpus = possibleCpus;
    try {
      this.#maps = new Map(
        specs.map((spec) => [spec.name, this.#held.add(BpfMap.create(spec))] as const),
      );
      this.ring = this.#held.add(new Ring(this.#map('xcap_ring')));
    } catch (error) {
      this.#held[Symbol.dispose]();
      throw error;
    }
  }

  #map(name: string): BpfMap {
    const map = this.#maps.get(name);
    if (map === undefined) throw new RangeError(`no map ${name}`);
    return map;
  }

  /** Loads every program, then attaches them all; on an error nothing stays attached. */
  attach(object: CompiledObject, hooks: readonly ResolvedHook[]): void {
    const fds = new Map([...this.#maps].map(([name, map]) => [name, map.fd]));
    for (const hook of hooks) {
      const compiled = object.programs.find((program) => program.name === hook.spec.program);
      if (compiled === undefined) throw new RangeError(`no program ${hook.spec.program}`);
      const typed = hook.mode === 'btf-typed';
      const program = BpfProgram.load(
        {
          name: hook.spec.program,
          type: typed ? PROG_TYPE.tracing : PROG_TYPE.rawTracepoint,
          attachType: typed ? ATTACH_TYPE.traceRawTp : ATTACH_TYPE.none,
          attachBtfId: typed ? hook.attachBtfId : 0,
          license: object.license,
        },
        relocate(compiled, fds),
      );
      this.#programs.push(this.#held.add(program));
    }
    this.#programs.forEach((program, i) => {
      const hook = hooks[i];
      const name = hook?.mode === 'raw' ? hook.spec.tracepoint : undefined;
      this.#links.add(TracepointLink.open(program, name));
    });
  }

  /** No event starts after this; one that is running may still end. */
  detach(): void {
    this.#links[Symbol.dispose]();
  }

  /** The counters of hook number `hook`, summed over CPUs. */
  counts(hook: number): KernelCounts {
    const bytes = 8 * COUNTERS.length * this.#possibleCpus;
    return sumCounters(this.#map('xcap_counts').lookup(hook, bytes), this.#possibleCpus);
  }

  /** Events of hook number `hook` that the kernel skipped because its program was running there. */
  recursionMisses(hook: number): number {
    return Number(this.#programs[hook]?.stats().recursionMisses ?? 0n);
  }

  [Symbol.dispose](): void {
    this.#links[Symbol.dispose]();
    this.#held[Symbol.dispose]();
  }
}
