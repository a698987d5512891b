import type { PacketRecord } from '../../records/record.ts';

/** A packet at a hook: what is kept of its event. */
export interface Step {
  readonly hook: string;
  readonly timeNs: bigint;
  readonly skb: bigint;
  readonly iface: string | undefined;
  readonly netns: number | undefined;
  readonly netnsName: string | undefined;
  readonly netnsLabel: string | undefined;
  /** What a function returned or a program decided. */
  readonly outcome: string | undefined;
  readonly reason: string | undefined;
  readonly location: string | undefined;
  readonly linkType: PacketRecord['linkType'];
  readonly wireLength: number;
  /** Its first bytes, copied. */
  readonly data: Uint8Array;
}

/** Why a packet's block is made. */
export type Closing = 'freed' | 'waited' | 'room' | 'ended';

/** All that was seen of a packet. */
export interface Gathered {
  readonly id: bigint;
  readonly steps: readonly Step[];
  /** Steps that there was no room for. */
  readonly more: number;
  /** Hooks that were asked for, and that it never came by. */
  readonly missing: readonly string[];
  /** Freed: every skb that was seen of it was dropped or consumed. */
  readonly closing: Closing;
}

export interface GatherLimits {
  /** How long a packet is waited for after the last that was seen of it. */
  readonly waitMs: number;
  /** Packets at a time. */
  readonly packets: number;
  /** Steps of a packet. */
  readonly steps: number;
  /** Bytes kept at a step. */
  readonly bytes: number;
}

export const GATHER_LIMITS: GatherLimits = { waitMs: 2000, packets: 4096, steps: 64, bytes: 256 };

/** A clone that was not seen before may still come by when all others are freed. */
const LINGER_MS = 50;

interface Open {
  readonly id: bigint;
  readonly steps: Step[];
  readonly alive: Set<bigint>;
  more: number;
  freed: boolean;
  dueMs: number;
}

/** Puts the events of each packet together. Knows no clock: the time is what it is told. */
export class Gatherer {
  readonly #asked: readonly string[];
  readonly #ends: ReadonlySet<string>;
  readonly #limits: GatherLimits;
  readonly #emit: (packet: Gathered) => void;
  readonly #open = new Map<bigint, Open>();
  #withoutId = 0;
  #early = 0;
  #waited = 0;

  /**
   * @param asked hooks that the user named
   * @param ends hooks at which an skb ends
   */
  constructor(
    asked: readonly string[],
    ends: readonly string[],
    limits: GatherLimits,
    emit: (packet: Gathered) => void,
  ) {
    this.#asked = asked;
    this.#ends = new Set(ends);
    this.#limits = limits;
    this.#emit = emit;
  }

  add(record: PacketRecord, nowMs: number): void {
    const id = record.packetId;
    if (id === undefined) {
      this.#withoutId++;
      return;
    }
    const packet = this.#packetOf(id);
    const { steps, bytes, waitMs } = this.#limits;
    if (packet.steps.length < steps) packet.steps.push(stepOf(record, bytes));
    // How it ended has to be in it.
    else if (this.#ends.has(record.hook)) {
      packet.steps[steps - 1] = stepOf(record, bytes);
      packet.more++;
    } else packet.more++;
    if (this.#ends.has(record.hook)) packet.alive.delete(record.skb);
    else packet.alive.add(record.skb);
    packet.freed ||= this.#ends.has(record.hook);
    packet.dueMs = nowMs + (packet.freed && packet.alive.size === 0 ? LINGER_MS : waitMs);
  }

  /** Hands on what is due. */
  sweep(nowMs: number): void {
    for (const packet of this.#open.values()) {
      if (packet.dueMs <= nowMs) this.#close(packet, isFreed(packet) ? 'freed' : 'waited');
    }
  }

  /** The run is over: hands on all. */
  end(): void {
    for (const packet of this.#open.values()) {
      this.#close(packet, isFreed(packet) ? 'freed' : 'ended');
    }
  }

  get isEmpty(): boolean {
    return this.#open.size === 0;
  }

  /** For the sum. */
  notes(): readonly string[] {
    const { packets, waitMs } = this.#limits;
    return [
      ...(this.#waited > 0
        ? [`--gather: of ${this.#waited} packets no end was seen within ${waitMs / 1000} s`]
        : []),
      ...(this.#early > 0
        ? [`--gather: ${this.#early} packets were shown before their end: ${packets} at a time`]
        : []),
      ...(this.#withoutId > 0
        ? [`--gather: ${this.#withoutId} events of no packet that is followed`]
        : []),
    ];
  }

  #packetOf(id: bigint): Open {
    const known = this.#open.get(id);
    if (known !== undefined) return known;
    if (this.#open.size >= this.#limits.packets) {
      const [oldest] = this.#open.values();
      if (oldest !== undefined) this.#close(oldest, isFreed(oldest) ? 'freed' : 'room');
    }
    const packet: Open = { id, steps: [], alive: new Set(), more: 0, freed: false, dueMs: 0 };
    this.#open.set(id, packet);
    return packet;
  }

  #close(packet: Open, closing: Closing): void {
    this.#open.delete(packet.id);
    if (closing === 'waited') this.#waited++;
    if (closing === 'room') this.#early++;
    const seen = new Set(packet.steps.map(({ hook }) => hook));
    this.#emit({
      id: packet.id,
      // Clones are on their way on several CPUs: the ring has them in another order.
      steps: packet.steps.toSorted((a, b) => Number(a.timeNs - b.timeNs)),
      more: packet.more,
      missing: packet.more > 0 ? [] : this.#asked.filter((hook) => !seen.has(hook)),
      closing,
    });
  }
}

/** How many skbs of the packet ended in which way. */
export function endCounts(steps: readonly Step[]): { dropped: number; consumed: number } {
  const count = (name: string): number => steps.filter(({ hook }) => hook === name).length;
  return { dropped: count('drop'), consumed: count('consume') };
}

const isFreed = ({ freed, alive }: Open): boolean => freed && alive.size === 0;

function stepOf(record: PacketRecord, bytes: number): Step {
  const { hook, timeNs, skb, iface, netns, netnsName, netnsLabel, reason, location } = record;
  const { linkType, wireLength, verdict, ret } = record;
  return {
    ...{ hook, timeNs, skb, iface, netns, netnsName, netnsLabel, reason, location },
    ...{ linkType, wireLength },
    outcome: verdict ?? (ret === undefined ? undefined : `ret=${ret}`),
    // Not slice(): a Buffer's shares its memory.
    data: Uint8Array.from(record.data.subarray(0, bytes)),
  };
}
