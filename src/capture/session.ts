import type { MapSpec } from '../abi/maps.ts';
import { PermissionError, SystemError, XcapError } from '../errors.ts';
import type { Watcher } from '../codegen/who.ts';
import { TracepointLink, type BpfProgram } from '../bpf/program.ts';
import { programNamed, relocate, type CompiledObject } from '../compile/object.ts';
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
import type { BesideCost, ProgramCost } from './own-cost.ts';
import type { WatchedPlace } from './rule-plan.ts';
import { SessionMaps } from './session-maps.ts';

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

/** What programs are for that send no events: to know processes of sockets, rules, and packets that are followed. */
export type BesidePurpose = 'who' | 'rules' | 'track';

interface BesideProgram {
  readonly purpose: BesidePurpose;
  readonly place: string;
  readonly program: BpfProgram;
}

/** The kernel's side of a run: maps, programs, links. Everything goes with the process. */
export class Session implements Disposable {
  readonly maps: SessionMaps;
  readonly #loaded: LoadedGroup[] = [];
  readonly #attached: Attached[] = [];
  readonly #beside: BesideProgram[] = [];
  #load: ((hook: NumberedHook, name: string) => BpfProgram) | undefined;
  #attach: ((hooks: readonly NumberedHook[], program: BpfProgram) => Attachment) | undefined;
  /** Hooks in vain: their return could not be attached. */
  readonly #withoutReturn = new Set<string>();
  /** Numbers of hooks that were detached before the end. */
  readonly #withdrawn = new Set<number>();
  #detached = false;
  readonly #held = new Disposer();
  readonly #links = new Disposer();

  /** Creates the maps: the first step that needs privileges. @throws PermissionError, SystemError */
  constructor(specs: readonly MapSpec[], possibleCpus: number) {
    liftMemlockLimit();
    this.maps = this.#held.add(new SessionMaps(specs, possibleCpus));
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
    const { fds } = this.maps;
    const groups = groupHooks(hooks, functionOf);
    const hookMaps = this.#held.add(new HookMaps(hooks, options.note));
    this.#load = ({ hook, number }, name) => {
      const compiled = programNamed(object, name);
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
    const { fds } = this.maps;
    for (const watcher of watchers) {
      const insns = relocate(programNamed(object, watcher.function), fds);
      const { at } = watcher;
      const tracepoint = at.kind === 'tracepoint' ? at.name : undefined;
      try {
        const program = this.#held.add(loadWatcher(watcher, object.license, insns));
        this.#links.add(TracepointLink.open(program, tracepoint));
        this.#beside.push({ purpose: 'who', place: at.name, program });
      } catch (error) {
        const optional = error instanceof SystemError || error instanceof PermissionError;
        if (tracepoint !== undefined || !optional) throw error;
        note(
          `--who owner: ${at.name}() cannot be hooked, its sockets are known by less: ${error.message}`,
        );
      }
    }
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
    const { fds } = this.maps;
    const hookMaps = new HookMaps([], () => undefined);
    return places.flatMap(({ hook, program: name, number }) => {
      const compiled = programNamed(object, name);
      try {
        const insns = relocate(compiled, fds, number);
        const program = this.#held.add(
          loadProgram(hook, object.license, insns, hookMaps, compiled.callback),
        );
        this.#beside.push({ purpose: 'rules', place: hook.place, program });
        this.#links.add(onlyOnce(attachProgram([{ hook, number: 0 }], program, hookMaps)));
        return [];
      } catch (error) {
        if (!(error instanceof XcapError)) throw error;
        return [{ place: hook.place, why: error.message }];
      }
    });
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
    this.#beside.push({ purpose: 'track', place: hook.place, program });
    this.#attach([traced], program);
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
    if (this.#beside.some(({ purpose }) => purpose === 'track')) this.maps.setTracking(false);
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

  /** As costs(), of the programs beside the hooks': by the place where each is attached. */
  besideCosts(of: BesidePurpose): readonly BesideCost[] {
    return this.#beside
      .filter(({ purpose }) => purpose === of)
      .map(({ place, program }) => {
        const { runCount, runTimeNs } = program.stats();
        return { place, runs: Number(runCount), ns: Number(runTimeNs) };
      });
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
