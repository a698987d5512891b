import { EventView, type EventSections, type RawRedirect } from '../abi/decode.ts';
import type { CgroupSource, OwnerSource } from '../abi/who.ts';
import type { UserValue } from '../user-c/values.ts';
import { CommonTable, NOTHING } from './common.ts';
import type { Names } from './names.ts';
import type {
  CommonFields,
  ContextKind,
  LinkType,
  PacketRecord,
  PacketType,
  VerdictCode,
} from './record.ts';
import { decodeReturn, type Returned } from './returned.ts';
import type { Stacks } from './stacks.ts';
import { ruleText, type Rule } from './rule.ts';
import { socketFields, type SocketFields } from './socket.ts';

/** How long names and the clock's offset are taken as they were. */
const TRUST_MS = 1000;

const NOTHING_RETURNED: Returned = {};
const NO_SOCKET: Partial<SocketFields> = {};

/**
 * The events of a ring as records: one object for all, moved from one to the next. What it says is
 * valid until the next move.
 */
export class EventRecord implements PacketRecord {
  readonly #event: EventView;
  readonly #names: Names;
  readonly #commons: CommonTable;
  readonly #stacks: Stacks | undefined;
  /** Each event may have fields of its own. */
  readonly #asks: boolean;
  #clockOffsetNs = 0n;
  #clockOffsetLow = 0;
  #clockOffsetHigh = 0;
  #trustedUntil = 0;
  #common = NOTHING;
  #data: Uint8Array | undefined;
  #plain = true;
  #returned = NOTHING_RETURNED;
  #socket = NO_SOCKET;
  #owner: ReturnType<Names['socketOwner']>;
  #user: readonly UserValue[] | undefined;
  #redirect: string | undefined;
  #bytes: 'linear-only' | undefined;
  #rule: Rule | undefined;

  /**
   * @param memory as EventView takes it
   * @param sections as EventView takes them
   */
  constructor(memory: Uint8Array, names: Names, sections: EventSections = {}, stacks?: Stacks) {
    this.#event = new EventView(memory, sections);
    this.#names = names;
    this.#commons = new CommonTable(names, this.#event.commonWords, stacks);
    this.#stacks = stacks;
    this.#asks = names.rule !== undefined || names.user !== undefined;
  }

  /** Before a batch of events: the clock is set and slewed, and names change, while xcap runs. */
  refresh(): void {
    const now = performance.now();
    if (now < this.#trustedUntil) return;
    this.#trustedUntil = now + TRUST_MS;
    this.#clockOffsetNs = this.#names.clockOffsetNs();
    this.#clockOffsetLow = Number(BigInt.asUintN(32, this.#clockOffsetNs));
    this.#clockOffsetHigh = Number(BigInt.asUintN(32, this.#clockOffsetNs >> 32n));
    this.#commons.forget();
  }

  /** @throws RangeError when the event is cut short */
  moveTo(at: number, length: number): void {
    const event = this.#event;
    event.moveTo(at, length);
    this.#common = this.#commons.of(event);
    this.#stacks?.count(event.stack);
    this.#data = undefined;
    if (!this.#plain) this.#forgetExtras();
    if (event.plain && !this.#asks) return;
    const { ret, socketInode, redirect } = event;
    const { returns } = this.#common;
    if (ret !== undefined && returns !== undefined) {
      this.#returned = decodeReturn(returns, ret);
      this.#plain = false;
    }
    if (redirect !== undefined) {
      this.#redirect = this.#redirectText(redirect);
      this.#plain = false;
    }
    if (socketInode !== 0) {
      this.#owner = this.#names.socketOwner(socketInode);
      this.#plain = false;
    }
    if (event.linearOnly) {
      this.#bytes = 'linear-only';
      this.#plain = false;
    }
    const socket = event.socket;
    if (socket !== undefined) {
      this.#socket = socketFields(socket);
      this.#plain = false;
    }
    const rule = this.#names.rule === undefined ? undefined : event.rule;
    if (rule !== undefined) {
      this.#rule = this.#names.rule?.(rule, this.#common.reason);
      this.#plain = false;
    }
    const user = this.#names.user === undefined ? undefined : event.user;
    if (user !== undefined) {
      this.#user = this.#names.user?.(user);
      this.#plain = false;
    }
  }

  #forgetExtras(): void {
    this.#returned = NOTHING_RETURNED;
    this.#socket = NO_SOCKET;
    this.#owner = undefined;
    this.#user = undefined;
    this.#redirect = undefined;
    this.#bytes = undefined;
    this.#rule = undefined;
    this.#plain = true;
  }

  #redirectText({ map, index }: RawRedirect): string {
    if (map !== 0) return `map:${map}[${index}]`;
    return this.#names.device?.(this.#event.netns, index) ?? `ifindex:${index}`;
  }

  /** The hook's index in the run. */
  get hookIndex(): number {
    return this.#event.hook;
  }

  get common(): CommonFields | undefined {
    return this.#plain ? this.#common : undefined;
  }

  get timeNs(): bigint {
    return this.#event.timeNs + this.#clockOffsetNs;
  }
  get timeLow(): number {
    return (this.#event.timeLow + this.#clockOffsetLow) >>> 0;
  }
  get timeHigh(): number {
    const carry = this.#event.timeLow + this.#clockOffsetLow > 0xffff_ffff ? 1 : 0;
    return (this.#event.timeHigh + this.#clockOffsetHigh + carry) >>> 0;
  }
  get skb(): bigint {
    return this.#event.skb;
  }
  get cpu(): number {
    return this.#event.cpu;
  }
  get queue(): number {
    return this.#event.queue;
  }
  get wireLength(): number {
    return this.#event.wireLength;
  }
  get data(): Uint8Array {
    return (this.#data ??= this.#event.data);
  }
  get dataLength(): number {
    return this.#event.dataLength;
  }
  copyWords(from: number, length: number, to: Uint32Array, at: number): boolean {
    return this.#event.copyWords(from, length, to, at);
  }
  get bytes(): 'linear-only' | undefined {
    return this.#bytes;
  }
  get durationNs(): bigint | undefined {
    return this.#event.durationNs;
  }
  get packetId(): bigint | undefined {
    return this.#event.packetId;
  }

  get hook(): string {
    return this.#common.hook;
  }
  get ifindex(): number | undefined {
    return this.#common.ifindex;
  }
  get iface(): string | undefined {
    return this.#common.iface;
  }
  get netns(): number | undefined {
    return this.#common.netns;
  }
  get netnsName(): string | undefined {
    return this.#common.netnsName;
  }
  get netnsLabel(): string | undefined {
    return this.#common.netnsLabel;
  }
  get reason(): string | undefined {
    return this.#common.reason;
  }
  get location(): string | undefined {
    return this.#common.location;
  }
  get context(): ContextKind | undefined {
    return this.#common.context;
  }
  get pid(): number {
    return this.#common.pid;
  }
  get tid(): number {
    return this.#common.tid;
  }
  get comm(): string {
    return this.#common.comm;
  }
  get uid(): number {
    return this.#common.uid;
  }
  get mark(): number {
    return this.#common.mark;
  }
  get protocol(): number {
    return this.#common.protocol;
  }
  get packetType(): PacketType | undefined {
    return this.#common.packetType;
  }
  get linkType(): LinkType {
    return this.#common.linkType;
  }
  get synth(): string | undefined {
    return this.#common.synth;
  }

  get stack(): readonly string[] | undefined {
    return this.#common.stack;
  }
  get stackText(): string | undefined {
    return this.#common.stackText;
  }

  get ret(): string | undefined {
    return this.#returned.ret;
  }
  get verdict(): string | undefined {
    return this.#returned.verdict;
  }
  get verdictCode(): VerdictCode | undefined {
    return this.#returned.verdictCode;
  }
  get redirect(): string | undefined {
    return this.#redirect;
  }
  get ownerPid(): number | undefined {
    return this.#owner?.pid ?? this.#common.ownerPid;
  }
  get ownerComm(): string | undefined {
    return this.#owner?.comm ?? this.#common.ownerComm;
  }
  get ownerBy(): OwnerSource | undefined {
    return this.#owner === undefined ? this.#common.ownerBy : 'proc';
  }
  get cgroup(): string | undefined {
    return this.#common.cgroup;
  }
  get cgroupBy(): CgroupSource | 'proc' | undefined {
    return this.#common.cgroupBy;
  }
  get container(): string | undefined {
    return this.#common.container;
  }
  get pod(): string | undefined {
    return this.#common.pod;
  }
  get whoLabel(): string | undefined {
    return this.#common.whoLabel;
  }
  get ruleParts(): Rule | undefined {
    return this.#rule;
  }
  get rule(): string | undefined {
    return this.#rule && ruleText(this.#rule);
  }
  get user(): readonly UserValue[] | undefined {
    return this.#user;
  }
  get userText(): string | undefined {
    return this.#user?.map(({ name, text }) => `${name}=${text}`).join(' ');
  }

  get laddr(): string | undefined {
    return this.#socket.laddr;
  }
  get lport(): number | undefined {
    return this.#socket.lport;
  }
  get raddr(): string | undefined {
    return this.#socket.raddr;
  }
  get rport(): number | undefined {
    return this.#socket.rport;
  }
  get family(): string | undefined {
    return this.#socket.family;
  }
  get sockProtocol(): number | undefined {
    return this.#socket.sockProtocol;
  }
  get state(): string | undefined {
    return this.#socket.state;
  }
}
