import { livePrograms } from '../bpf/programs.ts';
import { XcapError } from '../errors.ts';
import type { ResolvedHook } from '../hooks/resolved.ts';
import { moveToProgram } from '../hooks/xdp.ts';
import { listLinksInBackground } from '../kernel/links.ts';

const INTERVAL_MS = 1000;

/** Hooks of one device's programs, attached to those programs themselves. */
interface Followed {
  readonly of: string;
  readonly device: { readonly ifindex: number; readonly netnsPath: string | undefined };
  /** As resolved, with the function that each is loaded from. */
  readonly hooks: readonly { readonly hook: ResolvedHook; readonly function: string }[];
  /** Ids that the hooks are attached to, or that nothing can be attached to. */
  readonly known: Set<number>;
  current: string;
}

/**
 * Where hooks are on the very programs that a device has, one that takes their place would go unseen:
 * the devices are looked at once a second, and the hooks attached to what is new there.
 */
export class ProgramFollower implements Disposable {
  readonly #followed: readonly Followed[];
  readonly #attach: (hook: ResolvedHook, name: string) => void;
  readonly #note: (text: string) => void;
  #timer: NodeJS.Timeout | undefined;
  #looking = false;

  /**
   * @param functionOf by hook, the compiled function that it is loaded from
   * @param attach attaches one hook more, under the number of those of its id
   */
  constructor(
    hooks: readonly ResolvedHook[],
    functionOf: readonly string[],
    attach: (hook: ResolvedHook, name: string) => void,
    note: (text: string) => void,
  ) {
    const followed = new Map<string, Followed>();
    hooks.forEach((hook, i) => {
      const { xdp, program } = hook;
      if (xdp?.device === undefined || program === undefined) return;
      const of = followed.get(xdp.of);
      const here = [...(of?.hooks ?? [])];
      // Of each end one will do as the pattern for the next.
      if (!here.some((each) => each.hook.id === hook.id)) {
        here.push({ hook, function: functionOf[i] ?? '' });
      }
      const known = (of?.known ?? new Set<number>()).add(program.id);
      const current = [...known].join(' and ');
      followed.set(xdp.of, { of: xdp.of, device: xdp.device, hooks: here, known, current });
    });
    this.#followed = [...followed.values()];
    this.#attach = attach;
    this.#note = note;
  }

  start(): void {
    if (this.#followed.length === 0) return;
    this.#timer = setInterval(() => void this.#look(), INTERVAL_MS);
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      for (const each of this.#followed) await this.#lookAt(each);
    } finally {
      this.#looking = false;
    }
  }

  async #lookAt(followed: Followed): Promise<void> {
    const { of, device, known } = followed;
    const links = await listLinksInBackground(device.netnsPath);
    if (links === undefined || this.#timer === undefined) return;
    const link = links.find(({ ifindex }) => ifindex === device.ifindex);
    const programs = link?.xdpPrograms ?? [];
    const now = programs.join(' and ');
    if (now === followed.current) return;
    const before = followed.current;
    followed.current = now;
    if (now === '') {
      this.#note(
        `${of}: its XDP program ${before} is gone: nothing is seen there until another comes`,
      );
      return;
    }
    for (const id of programs) {
      if (known.has(id)) continue;
      known.add(id);
      this.#note(`${of}: ${this.#moveTo(followed, id, before)}`);
    }
  }

  /** @returns what came of it */
  #moveTo({ hooks }: Followed, id: number, before: string): string {
    try {
      const program = livePrograms.byId(id);
      if (program === undefined) return `XDP program ${id} is gone before it could be traced`;
      for (const { hook, function: name } of hooks)
        this.#attach(moveToProgram(hook, program), name);
      const place = before === '' ? 'is there' : `has taken the place of ${before}`;
      return `XDP program ${id} (${program.name}) ${place}: traced from now on`;
    } catch (error) {
      if (!(error instanceof XcapError)) throw error;
      return `XDP program ${id} is there and is not traced: ${error.message}`;
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
