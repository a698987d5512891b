import type { MapSpec } from '../abi/maps.ts';
import { COUNTERS } from '../abi/counters.ts';
import { FOLLOW_SIDES, ownerBytes, WHO_COUNTS, type RawOwner, type WhoCount } from '../abi/who.ts';
import { PermissionError, SystemError } from '../errors.ts';
import { TracepointLink } from '../bpf/program.ts';
import type { Watcher } from '../codegen/who.ts';
import { BpfMap } from '../bpf/map.ts';
import type { BpfProgram } from '../bpf/program.ts';
import { Ring } from '../bpf/ring.ts';
import { relocate, type CompiledObject } from '../compile/object.ts';
import { liftMemlockLimit } from '../ffi/libc.ts';
import { hookIds, type ResolvedHook } from '../hooks/resolved.ts';
import { Disposer } from '../util/disposer.ts';
import {
  attachProgram,
  loadProgram,
  loadWatcher,
  type Attachment,
  type NumberedHook,
} from './attach.ts';
import { HookMaps } from './hook-maps.ts';
import type { ProgramCost, RuleCost } from './own-cost.ts';
import { XcapError } from '../errors.ts';
import type { WatchedPlace } from './rule-plan.ts';
import { sumCounters, type KernelCounts } from './stats.ts';

/** Hooks that one program serves, loaded from one compiled function. */
interface HookGroup {
  readonly function: string;
  readonly hooks: readonly NumberedHook[];
}

type LoadedGroup = HookGroup & { readonly program: BpfProgram };

/** What is attached, with the last count of its misses. */
interface Attached {
  readonly hooks: readonly number[];
  readonly attachment: Attachment;
  /** What waits for the return tells of misses there. */
  readonly atReturn: boolean;
  misses: number;
  detached: boolean;
}

export interface Misses {
  readonly hooks: readonly number[];
  readonly count: number;
}

export interface AttachOptions {
  /** Before each step: lets signals in; false ends it, with what is attached so far. */
  readonly step: (done: number, all: number) => Promise<boolean>;
  /** Told of a hook that cannot be attached; throws unless the run goes on without it. */
  readonly refused: (hook: ResolvedHook, error: unknown) => void;
  /** Told what the user should know. */
  readonly note: (text: string) => void;
}

/** Programs that are told the number of the hook with each event serve all; others know one only. */
function groupHooks(
  hooks: readonly ResolvedHook[],
  functionOf: readonly string[],
): readonly HookGroup[] {
  const multi = new Map<string, NumberedHook[]>();
  const groups: HookGroup[] = [];
  const numbers = new Map(hookIds(hooks).map((id, number) => [id, number]));
  hooks.forEach((hook, i) => {
    const name = functionOf[i] ?? '';
    const number = numbers.get(hook.id) ?? 0;
    const known = multi.get(name);
    if (known !== undefined) {
      known.push({ hook, number });
      return;
    }
    const group = [{ hook, number }];
    groups.push({ function: name, hooks: group });
    if (hook.cookie) multi.set(name, group);
  });
  return groups;
}

/** kprobe.multi takes all functions of a program in one system call. */
function attachedTogether(traced: readonly NumberedHook[]): readonly (readonly NumberedHook[])[] {
  const [first] = traced;
  return first?.hook.backend === 'kprobe-multi' ? [traced] : traced.map((each) => [each]);
}

/** Detaches once, however often it is told to: by itself, and with all others at the end. */
function onlyOnce(attachment: Attachment): Attachment {
  const held = new Disposer();
  held.add(attachment);
  return {
    misses: () => attachment.misses?.() ?? 0,
    [Symbol.dispose]: () => {
      held[Symbol.dispose]();
    },
  };
}

/** include/uapi/linux/bpf.h */
const BPF_NOEXIST = 1;

/** Key or value of a map of 32-bit words. */
const word = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer);

/** The kernel's side of a run: maps, programs, links. Everything goes with the process. */
export class Session implements Disposable {
  readonly ring: Ring;
  readonly #maps: ReadonlyMap<string, BpfMap>;
  readonly #possibleCpus: number;
  readonly #loaded: LoadedGroup[] = [];
  readonly #watchers: BpfProgram[] = [];
  readonly #attached: Attached[] = [];
  /** Programs that watch rules. */
  readonly #ruleWatchers: { readonly place: string; readonly program: BpfProgram }[] = [];
  #load: ((hook: NumberedHook, name: string) => BpfProgram) | undefined;
  #attach: ((hooks: readonly NumberedHook[], program: BpfProgram) => Attachment) | undefined;
  /** Hooks in vain: their return could not be attached. */
  readonly #withoutReturn = new Set<string>();
  /** Numbers of hooks that were detached before the end. */
  readonly #withdrawn = new Set<number>();
  #detached = false;
  readonly #trackers: BpfProgram[] = [];
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

  /** What `xcap top` counts in. */
  get top(): BpfMap {
    return this.#map('xcap_top');
  }

  /**
   * Loads every program, then attaches them all; on an error nothing stays attached.
   *
   * @param functionOf by hook, the compiled function that it is loaded from
   */
  async attach(
    object: CompiledObject,
    hooks: readonly ResolvedHook[],
    functionOf: readonly string[],
    options: AttachOptions,
  ): Promise<void> {
    const fds = new Map([...this.#maps].map(([name, map]) => [name, map.fd]));
    const groups = groupHooks(hooks, functionOf);
    const hookMaps = this.#held.add(new HookMaps(hooks, options.note));
    this.#load = ({ hook, number }, name) => {
      const compiled = object.programs.find((each) => each.name === name);
      if (compiled === undefined) throw new RangeError(`no program ${name}`);
      return this.#held.add(
        loadProgram(
          hook,
          object.license,
          relocate(compiled, fds, number, hook.verdict),
          hookMaps,
          compiled.callback,
        ),
      );
    };
    this.#attach = (traced, program) =>
      this.#links.add(onlyOnce(attachProgram(traced, program, hookMaps)));
    const steps = groups.length + hooks.length;
    let done = 0;
    for (const group of groups) {
      if (!(await options.step(done++, steps))) return;
      const [first] = group.hooks;
      if (first === undefined) throw new RangeError(`no hook for ${group.function}`);
      if (this.#isOrphan(first.hook)) continue;
      try {
        this.#loaded.push({ ...group, program: this.#load(first, group.function) });
      } catch (error) {
        this.#refuse(first.hook, error, options);
      }
    }
    for (const { hooks: traced, program } of this.#loaded) {
      for (const part of attachedTogether(traced)) {
        if (!(await options.step(done, steps))) return;
        this.#attachTo(program, part, options);
        done += part.length;
      }
    }
  }

  /**
   * Loads and attaches what keeps the maps of who is who current: before the hooks, which look into them. Functions of
   * the kernel can be left out.
   *
   * @param note told which were
   * @throws PermissionError, SystemError, VerifierError
   */
  watch(object: CompiledObject, watchers: readonly Watcher[], note: (text: string) => void): void {
    const fds = new Map([...this.#maps].map(([name, map]) => [name, map.fd]));
    for (const watcher of watchers) {
      const compiled = object.programs.find((each) => each.name === watcher.function);
      if (compiled === undefined) throw new RangeError(`no program ${watcher.function}`);
      const insns = relocate(compiled, fds, 0, undefined);
      const { at } = watcher;
      const tracepoint = at.kind === 'tracepoint' ? at.name : undefined;
      try {
        const program = this.#held.add(loadWatcher(watcher, object.license, insns));
        this.#links.add(TracepointLink.open(program, tracepoint));
        this.#watchers.push(program);
      } catch (error) {
        const optional = error instanceof SystemError || error instanceof PermissionError;
        if (tracepoint !== undefined || !optional) throw error;
        note(
          `--who owner: ${at.name}() cannot be hooked, its sockets are known by less: ${error.message}`,
        );
      }
    }
  }

  /** What the kernel counted of the watchers while run statistics were on. */
  watcherCost(): { readonly runs: number; readonly ns: number } {
    const stats = this.#watchers.map((program) => program.stats());
    return {
      runs: stats.reduce((sum, { runCount }) => sum + Number(runCount), 0),
      ns: stats.reduce((sum, { runTimeNs }) => sum + Number(runTimeNs), 0),
    };
  }

  /** Of WHO_COUNTS. */
  whoCount(what: WhoCount): number {
    const bytes = this.#map('xcap_who_counts').lookup(WHO_COUNTS.indexOf(what), 8);
    return Number(new DataView(bytes.buffer).getBigUint64(0, true));
  }

  /** A socket, or a port, by the key of templates/include/owner.h; what is known already stays. False: there is no room. */
  putOwner(key: bigint, owner: RawOwner): boolean {
    try {
      const keyBytes = new Uint8Array(BigUint64Array.of(key).buffer);
      this.#map('xcap_owners').update(keyBytes, ownerBytes(owner), BPF_NOEXIST);
    } catch (error) {
      if (error instanceof SystemError && error.code === 'E2BIG') return false;
      if (!(error instanceof SystemError) || error.code !== 'EEXIST') throw error;
    }
    return true;
  }

  /** Puts a process on its side for --follow. */
  follow(pid: number, side: keyof typeof FOLLOW_SIDES): void {
    this.#map('xcap_followed').update(word(pid), word(FOLLOW_SIDES[side]));
  }

  /**
   * Attaches what watches rules: `before` the hooks, and behind them what ends it.
   *
   * @returns what could not be attached: places and why
   */
  watchRules(
    object: CompiledObject,
    places: readonly WatchedPlace[],
  ): readonly { readonly place: string; readonly why: string }[] {
    const fds = new Map([...this.#maps].map(([name, map]) => [name, map.fd]));
    const hookMaps = new HookMaps([], () => undefined);
    return places.flatMap(({ hook, program: name }) => {
      const compiled = object.programs.find((each) => each.name === name);
      if (compiled === undefined) throw new RangeError(`no program ${name}`);
      try {
        const insns = relocate(compiled, fds);
        const program = this.#held.add(
          loadProgram(hook, object.license, insns, hookMaps, compiled.callback),
        );
        this.#ruleWatchers.push({ place: hook.place, program });
        this.#links.add(onlyOnce(attachProgram([{ hook, number: 0 }], program, hookMaps)));
        return [];
      } catch (error) {
        if (!(error instanceof XcapError)) throw error;
        return [{ place: hook.place, why: error.message }];
      }
    });
  }

  /** How often tables of iptables-legacy have been replaced; undefined while one is. */
  ruleChanges(): bigint | undefined {
    const bytes = this.#map('xcap_changes').lookup(0, 16);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const [begun, done] = [view.getBigUint64(0, true), view.getBigUint64(8, true)];
    return begun === done ? done : undefined;
  }

  /**
   * Attaches what is already attached to one place more, from a function that is loaded already.
   *
   * @throws PermissionError, SystemError, UnsupportedError, VerifierError
   */
  attachMore(hook: ResolvedHook, number: number, name: string): void {
    if (this.#load === undefined || this.#attach === undefined || this.#detached) return;
    if (this.#withdrawn.has(number)) return;
    const hooks = [{ hook, number }];
    const program = this.#load({ hook, number }, name);
    this.#loaded.push({ function: name, hooks, program });
    this.#add(hooks, this.#attach(hooks, program));
  }

  /** Attaches what follows packets: no hook of the run, without events and counts. @throws as attachMore() */
  attachTracker(hook: ResolvedHook, name: string): void {
    if (this.#load === undefined || this.#attach === undefined || this.#detached) return;
    const traced = { hook, number: 0 };
    const program = this.#load(traced, name);
    this.#trackers.push(program);
    this.#attach([traced], program);
  }

  /** Whether what matches from now on is followed. */
  setTracking(on: boolean): void {
    this.#map('xcap_tracking').update(word(0), word(on ? 1 : 0));
  }

  #add(traced: readonly NumberedHook[], attachment: Attachment): void {
    this.#attached.push({
      hooks: traced.map(({ number }) => number),
      attachment,
      atReturn: traced.some(({ hook }) => hook.part === 'return'),
      misses: 0,
      detached: false,
    });
  }

  #refuse(hook: ResolvedHook, error: unknown, { refused }: AttachOptions): void {
    if (hook.part === 'return') this.#withoutReturn.add(hook.id);
    refused(hook, error);
  }

  /** Nothing would send what it keeps. */
  #isOrphan({ id, part }: ResolvedHook): boolean {
    return part === 'entry' && this.#withoutReturn.has(id);
  }

  #attachTo(program: BpfProgram, traced: readonly NumberedHook[], options: AttachOptions): void {
    const [first] = traced;
    if (first === undefined || this.#attach === undefined || this.#isOrphan(first.hook)) return;
    try {
      this.#add(traced, this.#attach(traced, program));
    } catch (error) {
      if (traced.length === 1) {
        this.#refuse(first.hook, error, options);
        return;
      }
      // One that refuses spoils the whole link: halve it until the others are through.
      const half = traced.length >> 1;
      this.#attachTo(program, traced.slice(0, half), options);
      this.#attachTo(program, traced.slice(half), options);
    }
  }

  /** No event starts after this; one that is running may still end. */
  detach(): void {
    if (this.#detached) return;
    this.#readLinkMisses();
    if (this.#trackers.length > 0) this.setTracking(false);
    this.#detached = true;
    this.#links[Symbol.dispose]();
  }

  /** Numbers of the hooks that can be detached together only, which may share some. */
  places(): readonly (readonly number[])[] {
    return this.#attached.map(({ hooks }) => hooks);
  }

  /** The run goes on without these hooks, which are whole sets of places(). */
  withdraw(hooks: readonly number[]): void {
    for (const hook of hooks) this.#withdrawn.add(hook);
    // In reverse, as at the end: an entry goes before the return that its events wait for.
    for (const each of [...this.#attached].reverse()) {
      if (each.detached || !each.hooks.some((hook) => this.#withdrawn.has(hook))) continue;
      each.misses = each.attachment.misses?.() ?? 0;
      each.detached = true;
      each.attachment[Symbol.dispose]();
    }
  }

  /** At this hook one event in 2^level is looked at from now on; programs that cannot do that look at all. */
  setSampling(hook: number, level: number): void {
    this.#map('xcap_sampling').update(word(hook), word(2 ** level - 1));
  }

  /** What the kernel counted of each program while run statistics were on. */
  costs(): readonly ProgramCost[] {
    return this.#loaded.map(({ hooks, program }) => {
      const { runCount, runTimeNs } = program.stats();
      return {
        hooks: [...new Set(hooks.map(({ number }) => number))],
        // What is called from another program's tail has no run of its own.
        measured: hooks.every(({ hook }) => hook.backend !== 'xdp'),
        runs: Number(runCount),
        ns: Number(runTimeNs),
      };
    });
  }

  /** The addresses of a kernel stack, by its number; undefined when it is not there. */
  stack(id: number): Uint8Array | undefined {
    const map = this.#map('xcap_stacks');
    return map.find(word(id), map.spec.valueSize);
  }

  /** What following packets costs beside the hooks' own programs. */
  trackerCost(): Pick<ProgramCost, 'runs' | 'ns'> {
    const stats = this.#trackers.map((program) => program.stats());
    return {
      runs: stats.reduce((sum, { runCount }) => sum + Number(runCount), 0),
      ns: stats.reduce((sum, { runTimeNs }) => sum + Number(runTimeNs), 0),
    };
  }

  /** As costs(), of what watches rules: by the place where it is attached. */
  ruleCosts(): readonly RuleCost[] {
    return this.#ruleWatchers.map(({ place, program }) => {
      const { runCount, runTimeNs } = program.stats();
      return { place, runs: Number(runCount), ns: Number(runTimeNs) };
    });
  }

  /** The counters of hook number `hook`, summed over CPUs. */
  counts(hook: number): KernelCounts {
    const bytes = 8 * COUNTERS.length * this.#possibleCpus;
    return sumCounters(this.#map('xcap_counts').lookup(hook, bytes), this.#possibleCpus);
  }

  /**
   * Events that the kernel skipped because a program was running there already: the numbers of the
   * hooks that it can have been, and the count. Not at a return: what waits for it tells.
   */
  misses(): readonly Misses[] {
    if (!this.#detached) this.#readLinkMisses();
    return [
      ...this.#attached
        .filter(({ atReturn }) => !atReturn)
        .map(({ hooks, misses }) => ({ hooks, count: misses })),
      ...this.#loaded
        .filter(({ hooks }) => !hooks.some(({ hook }) => hook.part === 'return'))
        .map(({ hooks, program }) => ({
          hooks: hooks.map(({ number }) => number),
          count: Number(program.stats().recursionMisses),
        })),
    ];
  }

  /** They go with the link. */
  #readLinkMisses(): void {
    for (const each of this.#attached) {
      if (!each.detached && !each.atReturn) each.misses = each.attachment.misses?.() ?? 0;
    }
  }

  [Symbol.dispose](): void {
    this.#links[Symbol.dispose]();
    this.#held[Symbol.dispose]();
  }
}
