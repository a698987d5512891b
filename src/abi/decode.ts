import { decodeSocket, type RawSocket } from './decode-socket.ts';
import {
  EVENT_BYTES,
  EVENT_FIELDS,
  EVENT_FLAGS,
  SOCKET_BYTES,
  SYNTH_LAYERS,
  type EventField,
} from './events.ts';
import { CGROUP_SOURCES, OWNER_SOURCES, WHO_BYTES, WHO_FIELDS } from './who.ts';
import type { CgroupSource, RawOwner } from './who.ts';
import { decodeRule, RULE_BYTES, type RawRule } from './rules.ts';

/** XCAP_CONTEXT_* and XCAP_LINK_* of the templates. */
export const CONTEXTS = [undefined, 'process', 'softirq', 'hardirq', 'nmi'] as const;
export const LINKS = ['raw', 'ethernet', 'socket'] as const;
const SOCKET = LINKS.indexOf('socket');
/** skb->pkt_type: include/uapi/linux/if_packet.h. */
export const PACKET_TYPES = [
  'host',
  'broadcast',
  'multicast',
  'otherhost',
  'outgoing',
  'loopback',
] as const;

function offsetOf(name: string): number {
  const field = EVENT_FIELDS.find((candidate: EventField) => candidate.name === name);
  if (field === undefined) throw new RangeError(`no event field ${name}`);
  return field.offset;
}

const AT = {
  timeNs: offsetOf('time_ns'),
  skb: offsetOf('skb'),
  ret: offsetOf('ret'),
  durationNs: offsetOf('duration_ns'),
  packetId: offsetOf('packet_id'),
  redirectMap: offsetOf('redirect_map'),
  redirectIndex: offsetOf('redirect_index'),
  wireLength: offsetOf('wire_length'),
  capturedLength: offsetOf('captured_length'),
  socketInode: offsetOf('socket'),
  cpu: offsetOf('cpu'),
  queue: offsetOf('queue'),
  location: offsetOf('location'),
  reason: offsetOf('reason'),
  tgid: offsetOf('tgid'),
  pid: offsetOf('pid'),
  uid: offsetOf('uid'),
  ifindex: offsetOf('ifindex'),
  netns: offsetOf('netns'),
  mark: offsetOf('mark'),
  hook: offsetOf('hook'),
  protocol: offsetOf('protocol'),
  context: offsetOf('context'),
  packetType: offsetOf('packet_type'),
  link: offsetOf('link'),
  flags: offsetOf('flags'),
  comm: offsetOf('comm'),
  ifname: offsetOf('ifname'),
  synth: offsetOf('synth'),
  stack: offsetOf('stack'),
} as const;

/** The fields that most events have in common with others, as 32-bit words of an event. */
export const COMMON_WORDS = { from: AT.location / 4, to: EVENT_BYTES / 4 } as const;

/** By the bits of `synth`. */
const SYNTH_TEXTS: readonly string[] = Array.from({ length: 16 }, (_, layers) =>
  [
    'eth',
    ...((layers & SYNTH_LAYERS.ip4) === 0 ? [] : ['ip']),
    ...((layers & SYNTH_LAYERS.ip6) === 0 ? [] : ['ip6']),
    ...((layers & SYNTH_LAYERS.tcp) === 0 ? [] : ['tcp']),
    ...((layers & SYNTH_LAYERS.udp) === 0 ? [] : ['udp']),
  ].join(','),
);

const WHO = Object.fromEntries(WHO_FIELDS.map(({ name, offset }) => [name, offset]));
const atWho = (name: string): number => EVENT_BYTES + (WHO[name] ?? 0);
const AT_WHO = {
  cgroup: atWho('cgroup'),
  owner: atWho('owner'),
  ownerBy: atWho('owner_by'),
  cgroupBy: atWho('cgroup_by'),
  ownerComm: atWho('owner_comm'),
} as const;

/** The cgroup of the packet's socket, or of the task. */
export interface RawCgroup {
  readonly id: number;
  readonly by: CgroupSource;
}

/** What of an event tells for itself where things are, beside the table of its fields. */
export interface EventSections {
  /** As in MapSizes. */
  readonly whoBytes?: number;
  readonly userBytes?: number;
  /** As ruleBytes() of maps.ts. */
  readonly ruleBytes?: number | undefined;
}

/** The entry of a map; of map 0, a device by its ifindex. */
export interface RawRedirect {
  readonly map: number;
  readonly index: number;
}

/** What says, before the fields of an action, that there are some. */
const USER_HEADER_BYTES = 8;

const utf8 = new TextDecoder('utf-8');

/**
 * Events where they lie, in the ring: one object for all, moved from one to the next, so that an
 * event costs no garbage but what is asked of it. Everything is valid until the next move.
 */
export class EventView {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #whoBytes: number;
  readonly #userBytes: number;
  /** How many words most events have in common with others, from COMMON_WORDS.from on. */
  readonly commonWords: number;
  readonly #ruleBytes: number;
  /** Where the captured bytes are in an event. */
  readonly #contentAt: number;
  /** The memory's words, aligned as events are. */
  readonly words: Uint32Array;
  #at = 0;
  #captured = 0;

  /**
   * @param memory that events are in, each at a multiple of 8
   * @param sections that lie between event and packet
   */
  constructor(
    memory: Uint8Array,
    { whoBytes = 0, userBytes = 0, ruleBytes = 0 }: EventSections = {},
  ) {
    this.#bytes = memory;
    this.#view = new DataView(memory.buffer, memory.byteOffset, memory.byteLength);
    this.words = new Uint32Array(memory.buffer, memory.byteOffset, memory.byteLength >> 2);
    this.#whoBytes = whoBytes;
    this.#userBytes = userBytes;
    this.commonWords = COMMON_WORDS.to - COMMON_WORDS.from + whoBytes / 4;
    this.#ruleBytes = ruleBytes;
    this.#contentAt = EVENT_BYTES + whoBytes + userBytes + ruleBytes;
  }

  /**
   * @param length of the ring's record (longer by up to 7 bytes of padding is fine)
   * @throws RangeError when it is too short for what it says it holds
   */
  moveTo(at: number, length: number): void {
    this.#at = at;
    const rest = length - this.#contentAt;
    this.#captured = rest < 0 ? 0 : this.#u32(AT.capturedLength);
    if (this.#captured > rest) throw new RangeError('event is cut short');
  }

  /** Index in `words` of the event's first one. */
  get firstWord(): number {
    return this.#at >> 2;
  }

  /** CLOCK_MONOTONIC, nanoseconds. */
  get timeNs(): bigint {
    return this.#u64(AT.timeNs);
  }
  /** The lower half of timeNs, and the upper. */
  get timeLow(): number {
    return this.#u32(AT.timeNs);
  }
  get timeHigh(): number {
    return this.#u32(AT.timeNs + 4);
  }
  get skb(): bigint {
    return this.#u64(AT.skb);
  }
  get location(): bigint {
    return this.#u64(AT.location);
  }
  /** What the function or program returned, unsigned; undefined where the event is not of that. */
  get ret(): bigint | undefined {
    const returned = (this.#u8(AT.flags) & EVENT_FLAGS.returned) !== 0;
    return returned ? this.#u64(AT.ret) : undefined;
  }
  /** From the entry of the function to its return; undefined where the event is not of that. */
  get durationNs(): bigint | undefined {
    const timed = (this.#u8(AT.flags) & EVENT_FLAGS.timed) !== 0;
    return timed ? this.#u64(AT.durationNs) : undefined;
  }
  /** The same for each event of one packet; undefined: not told. */
  get packetId(): bigint | undefined {
    const none = this.#u32(AT.packetId) === 0 && this.#u32(AT.packetId + 4) === 0;
    return none ? undefined : this.#u64(AT.packetId);
  }
  /** Where a program redirects the packet to; undefined: not told. */
  get redirect(): RawRedirect | undefined {
    if ((this.#u8(AT.flags) & EVENT_FLAGS.redirected) === 0) return undefined;
    return { map: this.#u32(AT.redirectMap), index: this.#u32(AT.redirectIndex) };
  }
  /** Bytes within the snap length are not captured: they could not be read. */
  get linearOnly(): boolean {
    return (this.#u8(AT.flags) & EVENT_FLAGS.linear_only) !== 0;
  }
  /** Inode number of the socket that the packet is for; 0: not told. */
  get socketInode(): number {
    return this.#u32(AT.socketInode);
  }
  get wireLength(): number {
    return this.#u32(AT.wireLength);
  }
  get reason(): number {
    return this.#u32(AT.reason);
  }
  get tgid(): number {
    return this.#u32(AT.tgid);
  }
  get pid(): number {
    return this.#u32(AT.pid);
  }
  get uid(): number {
    return this.#u32(AT.uid);
  }
  get ifindex(): number {
    return this.#u32(AT.ifindex);
  }
  get netns(): number {
    return this.#u32(AT.netns);
  }
  get mark(): number {
    return this.#u32(AT.mark);
  }
  get cpu(): number {
    return this.#u16(AT.cpu);
  }
  get queue(): number {
    return this.#u16(AT.queue);
  }
  get protocol(): number {
    return this.#u16(AT.protocol);
  }
  get hook(): number {
    return this.#u16(AT.hook);
  }
  get context(): (typeof CONTEXTS)[number] {
    return CONTEXTS[this.#u8(AT.context)];
  }
  get packetType(): (typeof PACKET_TYPES)[number] | undefined {
    return PACKET_TYPES[this.#u8(AT.packetType)];
  }
  get link(): Exclude<(typeof LINKS)[number], 'socket'> {
    const link = LINKS[this.#u8(AT.link)] ?? 'raw';
    if (link !== 'socket') return link;
    return this.synth === undefined ? 'raw' : 'ethernet';
  }
  /** Headers that are not the packet's own, outermost first: `eth,ip,tcp`. */
  get synth(): string | undefined {
    const layers = this.#u8(AT.synth);
    return layers === 0 ? undefined : (SYNTH_TEXTS[layers] ?? String(layers));
  }
  /** As the event has it: its number plus 1, or STACK_FAILED and an errno; 0: not asked for. */
  get stack(): number {
    return this.#u32(AT.stack);
  }
  get comm(): string {
    return this.#text(AT.comm);
  }
  get ifname(): string {
    return this.#text(AT.ifname);
  }

  /** Undefined: not asked for, or not known. */
  get owner(): RawOwner | undefined {
    if (this.#whoBytes < WHO_BYTES) return undefined;
    const pid = this.#u32(AT_WHO.owner);
    const by = OWNER_SOURCES[this.#u8(AT_WHO.ownerBy)];
    if (pid === 0 || by === undefined) return undefined;
    return { pid, comm: this.#text(AT_WHO.ownerComm), by };
  }
  /** Undefined: not asked for, or not known. */
  get cgroup(): RawCgroup | undefined {
    if (this.#whoBytes < WHO_BYTES) return undefined;
    const id = Number(this.#u64(AT_WHO.cgroup));
    const by = CGROUP_SOURCES[this.#u8(AT_WHO.cgroupBy)];
    return id === 0 || by === undefined ? undefined : { id, by };
  }

  get #isSocket(): boolean {
    return this.#u8(AT.link) === SOCKET && this.#captured >= SOCKET_BYTES;
  }

  /** What is there of a socket alone before the captured bytes. */
  get #socketBytes(): number {
    return this.#isSocket ? SOCKET_BYTES : 0;
  }

  /** Of a socket alone. */
  get socket(): RawSocket | undefined {
    return this.#isSocket ? decodeSocket(this.#content) : undefined;
  }

  /** The captured bytes. */
  get data(): Uint8Array {
    const start = this.#at + this.#contentAt;
    return this.#bytes.subarray(start + this.#socketBytes, start + this.#captured);
  }

  get dataLength(): number {
    return this.#captured - this.#socketBytes;
  }

  /**
   * Copies part of the captured bytes, and up to 3 more, by loads and stores: without a view of them, which short ones are
   * not worth.
   *
   * @returns false: they do not lie at words, nothing was done
   */
  copyWords(from: number, length: number, to: Uint32Array, at: number): boolean {
    const start = this.#at + this.#contentAt + this.#socketBytes + from;
    if (((start | at) & 3) !== 0) return false;
    const { words } = this;
    const source = start >> 2;
    const target = at >> 2;
    const count = (length + 3) >> 2;
    for (let i = 0; i < count; i++) to[target + i] = words[source + i] ?? 0;
    return true;
  }

  /** No field is set that few events have: what returned, where to, of which socket, what is missing of it. */
  get plain(): boolean {
    return (
      this.#u8(AT.flags) === 0 && this.#u32(AT.socketInode) === 0 && this.#u8(AT.link) !== SOCKET
    );
  }

  /** struct xcap_user_extend, where an action gave one. */
  get user(): Uint8Array | undefined {
    const offset = EVENT_BYTES + this.#whoBytes;
    if (this.#userBytes === 0 || this.#u8(offset) !== 1) return undefined;
    const start = this.#at + offset;
    return this.#bytes.subarray(start + USER_HEADER_BYTES, start + this.#userBytes);
  }

  /** What is known of the rule that the packet fell to. */
  get rule(): RawRule | undefined {
    // A socket alone falls to no rule: nobody wrote anything there.
    if (this.#ruleBytes === 0 || this.#isSocket) return undefined;
    const start = this.#at + this.#contentAt - this.#ruleBytes;
    return decodeRule(this.#bytes.subarray(start, start + RULE_BYTES));
  }

  get #content(): Uint8Array {
    const start = this.#at + this.#contentAt;
    return this.#bytes.subarray(start, start + this.#captured);
  }

  #u8(offset: number): number {
    return this.#view.getUint8(this.#at + offset);
  }
  #u16(offset: number): number {
    return this.#view.getUint16(this.#at + offset, true);
  }
  #u32(offset: number): number {
    return this.#view.getUint32(this.#at + offset, true);
  }
  #u64(offset: number): bigint {
    return this.#view.getBigUint64(this.#at + offset, true);
  }

  /** Kernel strings are bytes up to the first NUL; what is not UTF-8 shows as U+FFFD. */
  #text(offset: number): string {
    const start = this.#at + offset;
    let end = start;
    while (end < start + 16 && this.#bytes[end] !== 0) end++;
    return utf8.decode(this.#bytes.subarray(start, end));
  }
}
