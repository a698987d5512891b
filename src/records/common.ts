import { COMMON_WORDS, type EventView } from '../abi/decode.ts';
import type { ReturnType } from '../hooks/return-type.ts';
import type { Names } from './names.ts';
import type { CommonFields } from './record.ts';
import type { Stacks } from './stacks.ts';
import { describeWho, NOBODY } from './who.ts';

/** An event's common fields in words, and what its return value means. */
export type Common = CommonFields & { readonly returns: ReturnType | undefined };

/** Before the first event. */
export const NOTHING: Common = {
  ...{ hook: '', returns: undefined, ifindex: undefined, iface: undefined, netns: undefined },
  ...{ netnsName: undefined, netnsLabel: undefined, reason: undefined, location: undefined },
  ...{ context: undefined, pid: 0, tid: 0, comm: '', uid: 0, mark: 0, protocol: 0 },
  ...{ packetType: undefined, linkType: 'raw', synth: undefined },
  ...NOBODY,
};

interface Entry {
  readonly words: Uint32Array;
  readonly common: Common;
}

/** Power of two. */
const SLOTS = 1024;

/**
 * What events have in common, decoded once for all that have it in common: the same object as long as
 * it is known, so that outputs can keep by it what they made of it.
 */
export class CommonTable {
  readonly #names: Names;
  readonly #stacks: Stacks | undefined;
  readonly #words: number;
  readonly #slots: (Entry | undefined)[] = new Array<Entry | undefined>(SLOTS).fill(undefined);
  #last: Entry | undefined;

  /** @param words of EventView */
  constructor(names: Names, words: number, stacks?: Stacks) {
    this.#names = names;
    this.#words = words;
    this.#stacks = stacks;
  }

  /** Namespaces get and lose names, modules symbols: after this all are asked for again. */
  forget(): void {
    this.#slots.fill(undefined);
    this.#last = undefined;
  }

  of(event: EventView): Common {
    const { words } = event;
    const first = event.firstWord + COMMON_WORDS.from;
    const last = this.#last;
    if (last !== undefined && isSame(last.words, words, first)) return last.common;
    const slot = hash(words, first, this.#words) & (SLOTS - 1);
    let entry = this.#slots[slot];
    if (entry === undefined || !isSame(entry.words, words, first)) {
      entry = {
        words: words.slice(first, first + this.#words),
        common: this.#describe(event),
      };
      this.#slots[slot] = entry;
    }
    this.#last = entry;
    return entry.common;
  }

  #describe(event: EventView): Common {
    const common = describe(event, this.#names);
    const stack = event.stack === 0 ? undefined : this.#stacks?.of(event.stack);
    return stack === undefined ? common : { ...common, stack, stackText: stack.join(';') };
  }
}

function isSame(known: Uint32Array, words: Uint32Array, first: number): boolean {
  for (let i = 0; i < known.length; i++) if (known[i] !== words[first + i]) return false;
  return true;
}

/** FNV-1a by words, its upper bits folded into the lower ones. */
function hash(words: Uint32Array, first: number, count: number): number {
  let sum = 0x811c9dc5;
  for (let i = 0; i < count; i++) sum = Math.imul(sum ^ (words[first + i] ?? 0), 0x01000193);
  return sum ^ (sum >>> 15);
}

function describe(event: EventView, names: Names): Common {
  const { hook, location, netns, ifindex, ifname, comm, context } = event;
  const isDrop = location !== 0n;
  const inKsoftirqd = names.contextByStack && comm.startsWith('ksoftirqd/');
  return {
    hook: names.hooks[hook] ?? `hook ${hook}`,
    returns: names.returns[hook],
    ifindex: ifindex === 0 ? undefined : ifindex,
    iface: ifname === '' ? undefined : ifname,
    netns: netns === 0 ? undefined : netns,
    netnsName: netns === 0 ? undefined : names.netns(netns),
    netnsLabel: netns === 0 ? undefined : names.netnsLabel(netns),
    reason: isDrop ? names.reason?.(event.reason) : undefined,
    location: isDrop ? names.location(location) : undefined,
    context: inKsoftirqd ? 'softirq' : context,
    pid: event.tgid,
    tid: event.pid,
    comm,
    uid: event.uid,
    mark: event.mark,
    protocol: event.protocol,
    packetType: event.packetType,
    linkType: event.link,
    synth: event.synth,
    ...describeWho(event, names),
  };
}
