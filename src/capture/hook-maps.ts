import { HookMap, isOtherKind } from '../bpf/hook-map.ts';
import { returning } from '../bpf/insn.ts';
import { OwnerLock } from '../bpf/owner-lock.ts';
import { ATTACH_TYPE, BPF_F_XDP_HAS_FRAGS, BpfProgram, PROG_TYPE } from '../bpf/program.ts';
import { programFacts } from '../bpf/programs.ts';
import { PermissionError, UnsupportedError, UsageError } from '../errors.ts';
import type { ResolvedHook } from '../hooks/resolved.ts';
import { xdpActionName } from '../hooks/xdp-actions.ts';
import { Disposer } from '../util/disposer.ts';

/** How a program has to be loaded so that a map takes it. */
export interface XdpMode {
  readonly attachType: number;
  readonly flags: number;
}

/**
 * A program array takes programs that are as the first one was that used it
 * (bpf_prog_map_compatible() in kernel/bpf/core.c), which it does not tell. libbpf loads XDP programs
 * with an attach type, other loaders without.
 */
const MODES: readonly XdpMode[] = [0, BPF_F_XDP_HAS_FRAGS].flatMap((flags) => [
  { attachType: ATTACH_TYPE.xdp, flags },
  { attachType: ATTACH_TYPE.none, flags },
]);

const LOCKS = '/run/xcap';
/** How programs of every xcap are named. */
const OWN_NAME = /^xcap_/;

/**
 * One hook map of a run. Nothing in the kernel says whose an entry is: each process locks those
 * that it uses, so what stands in one that is not locked was left there by an xcap that was killed,
 * or is no xcap's.
 */
class OpenHookMap implements Disposable {
  readonly mode: XdpMode;
  readonly #map: HookMap;
  readonly #held = new Disposer();

  /** @throws UnsupportedError when an entry is taken; nothing is changed then */
  constructor(id: string, path: string, actions: readonly number[], note: (text: string) => void) {
    try {
      this.#map = this.#held.add(HookMap.open(path));
      this.#lock(id, actions);
      this.#refuseOthers(id, actions);
      const left = this.#removeDead(actions);
      if (left.length > 0) {
        note(`${id}: removed what an xcap that was killed had left there: ${left.join(', ')}`);
      }
      this.mode = this.#findMode(id, actions[0] ?? 0);
      if (this.mode.flags !== 0) note(`${id}: its programs take packets of several buffers`);
    } catch (error) {
      this.#held[Symbol.dispose]();
      throw error;
    }
  }

  #lock(id: string, actions: readonly number[]): void {
    for (const action of actions) {
      const lock = OwnerLock.take(this.#lockPath(action));
      if (lock instanceof OwnerLock) {
        this.#held.add(lock);
        continue;
      }
      if (lock.owner === String(process.pid)) {
        throw new UsageError(`hooking ${id}: another hook of this run is the same map`);
      }
      const who = lock.owner === '' ? '' : ` (process ${lock.owner})`;
      throw new UnsupportedError(
        `hooking ${id}: ${xdpActionName(action)}: another xcap captures there${who}`,
        { hint: 'end it, or choose other actions: --actions' },
      );
    }
  }

  #lockPath(action: number): string {
    return `${LOCKS}/hook-map-${this.#map.facts.id}-${action}.lock`;
  }

  #refuseOthers(id: string, actions: readonly number[]): void {
    for (const action of actions) {
      const program = this.#map.programIn(action);
      if (program === undefined || OWN_NAME.test(program.name)) continue;
      throw new UnsupportedError(
        `hooking ${id}: ${xdpActionName(action)}: program ${program.id} (${program.name}) is there already, and not xcap's`,
        {
          hint: `end what put it there, or: bpftool map delete pinned ${this.#map.path} key ${action} 0 0 0`,
        },
      );
    }
  }

  /** Of all entries, those too that this run does not use. @returns the actions */
  #removeDead(actions: readonly number[]): readonly string[] {
    const removed: string[] = [];
    for (let action = 0; action < this.#map.facts.maxEntries; action++) {
      const program = this.#map.programIn(action);
      if (program === undefined || !OWN_NAME.test(program.name)) continue;
      // Those that the run uses are locked already.
      const lock = actions.includes(action) ? undefined : OwnerLock.take(this.#lockPath(action));
      if (lock !== undefined && !(lock instanceof OwnerLock)) continue;
      this.#map.remove(action);
      lock?.[Symbol.dispose]();
      removed.push(xdpActionName(action));
    }
    return removed;
  }

  /** By a program that does no more than to return the action. */
  #findMode(id: string, action: number): XdpMode {
    let refusal: unknown;
    for (const mode of MODES) {
      try {
        using program = BpfProgram.load(
          {
            ...{ name: 'xcap_probe', type: PROG_TYPE.xdp, attachBtfId: 0, license: 'GPL' },
            ...mode,
          },
          Uint8Array.from(Buffer.concat(returning(action))),
        );
        this.#map.put(action, program);
      } catch (error) {
        // Of kernels that do not know the flag too.
        if (!isOtherKind(error) && !isRefusedFlag(error, mode)) throw error;
        refusal ??= error;
        continue;
      }
      this.#map.remove(action);
      return mode;
    }
    throw new UnsupportedError(
      `hooking ${id}: the map takes none of the kinds of XDP programs that xcap can load (EINVAL)`,
      { cause: refusal },
    );
  }

  /** @returns what empties the entry again, if it is still this program's */
  put(action: number, program: BpfProgram): Disposable {
    this.#map.put(action, program);
    const { id } = programFacts(program.fd);
    return {
      [Symbol.dispose]: () => {
        if (this.#map.programIn(action)?.id === id) this.#map.remove(action);
      },
    };
  }

  [Symbol.dispose](): void {
    this.#held[Symbol.dispose]();
  }
}

function isRefusedFlag(error: unknown, mode: XdpMode): boolean {
  return mode.flags !== 0 && !(error instanceof PermissionError);
}

/** The hook maps of a run, each opened when its first program is loaded. */
export class HookMaps implements Disposable {
  readonly #hooks: readonly ResolvedHook[];
  readonly #note: (text: string) => void;
  readonly #open = new Map<string, OpenHookMap>();
  readonly #held = new Disposer();

  /** @param note told of what was found and mended */
  constructor(hooks: readonly ResolvedHook[], note: (text: string) => void) {
    this.#hooks = hooks.filter(({ backend }) => backend === 'xdp');
    this.#note = note;
  }

  /** @throws UnsupportedError when one of the entries that the run wants is taken */
  of({ target }: ResolvedHook): OpenHookMap {
    let map = this.#open.get(target);
    if (map === undefined) {
      const actions = this.#hooks
        .filter((hook) => hook.target === target)
        .flatMap(({ verdict }) => verdict ?? []);
      map = this.#held.add(new OpenHookMap(`xdpmap:${target}`, target, actions, this.#note));
      this.#open.set(target, map);
    }
    return map;
  }

  [Symbol.dispose](): void {
    this.#held[Symbol.dispose]();
  }
}
