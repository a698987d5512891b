import type { MapSpec } from '../abi/maps.ts';
import { COUNTERS } from '../abi/counters.ts';
import { BpfMap } from '../bpf/map.ts';
import type { BpfProgram } from '../bpf/program.ts';
import { Ring } from '../bpf/ring.ts';
import { relocate, type CompiledObject } from '../compile/object.ts';
import { liftMemlockLimit } from '../ffi/libc.ts';
import type { ResolvedHook } from '../hooks/resolved.ts';
import { Disposer } from '../util/disposer.ts';
import { attachProgram, loadProgram } from './attach.ts';
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

  /**
   * Loads every program, then attaches them all; on an error nothing stays attached.
   *
   * @param functionOf by hook, the compiled function that it is loaded from
   */
  attach(
    object: CompiledObject,
    hooks: readonly ResolvedHook[],
    functionOf: readonly string[],
  ): void {
    const fds = new Map([...this.#maps].map(([name, map]) => [name, map.fd]));
    hooks.forEach((hook, i) => {
      const compiled = object.programs.find(({ name }) => name === functionOf[i]);
      if (compiled === undefined) throw new RangeError(`no program ${functionOf[i] ?? ''}`);
      const program = loadProgram(hook, object.license, relocate(compiled, fds, i));
      this.#programs.push(this.#held.add(program));
    });
    hooks.forEach((hook, i) => {
      const program = this.#programs[i];
      if (program !== undefined) this.#links.add(attachProgram(hook, program));
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
