/** What an event becomes once decoded and enriched. Absent is `undefined`; zero is 0. */

import type { UserValue } from '../user-c/values.ts';
import type { Rule } from './rule.ts';
import type { SocketFields } from './socket.ts';
import type { WhoFields } from './who.ts';

/** Where the task of an event stands in the kernel: see docs/record-format.md. */
export type ContextKind = 'process' | 'softirq' | 'hardirq' | 'nmi';

/** skb->pkt_type, as include/uapi/linux/if_packet.h spells it without PACKET_. */
export type PacketType = 'host' | 'broadcast' | 'multicast' | 'otherhost' | 'outgoing' | 'loopback';

/** What the first byte of `data` is: an Ethernet header, or an IPv4/IPv6 header (LINKTYPE_RAW). */
export type LinkType = 'ethernet' | 'raw';

/** A verdict on a packet, as pcapng's epb_verdict tells it. */
export interface VerdictCode {
  readonly by: 'tc' | 'xdp';
  /** As the program returned it. */
  readonly value: number;
}

/** What many events have in common: all but time, place in the stream, and the packet itself. */
export interface CommonFields extends WhoFields {
  /** Hook name as it appears in outputs: `drop`, `rx`, `tx`. */
  readonly hook: string;
  readonly ifindex: number | undefined;
  readonly iface: string | undefined;
  /** Inode number of the network namespace. */
  readonly netns: number | undefined;
  readonly netnsName: string | undefined;
  /** What a text line writes behind the device's `@`; undefined for the caller's own namespace. */
  readonly netnsLabel: string | undefined;
  /** Drop reason without SKB_DROP_REASON_; a decimal number when the kernel's BTF has no name. */
  readonly reason: string | undefined;
  /** `function+0xoffset [module]`, or 0xaddress when symbols are hidden. */
  readonly location: string | undefined;
  readonly context: ContextKind | undefined;
  /** The process (the kernel's tgid) and the thread of the task that was running. */
  readonly pid: number;
  readonly tid: number;
  readonly comm: string;
  readonly uid: number;
  readonly mark: number;
  /** skb->protocol in host order, as the kernel has it (0 when unset). */
  readonly protocol: number;
  readonly packetType: PacketType | undefined;
  readonly linkType: LinkType;
  /** Headers in `data` that the packet does not have yet, outermost first: `eth,ip,tcp`. */
  readonly synth?: string | undefined;
  /** Kernel stack, innermost function first: `nf_hook_slow+0xa2`. */
  readonly stack?: readonly string[] | undefined;
  /** It in one text: by semicolons. */
  readonly stackText?: string | undefined;
}

/** Fields that only some events have. */
type Extra<T> = { readonly [K in keyof T]?: T[K] | undefined };

/**
 * The fields of a socket are there when the event is of a socket alone: `data` is the packet that it would
 * send, without payload, and empty where `synth` is absent.
 */
export interface PacketRecord extends CommonFields, Extra<SocketFields> {
  /**
   * The common fields as one object, the same for records that have them in common; undefined where a
   * record has more fields than those and what every packet has of its own. Outputs may keep by it
   * what they made of it, and must let go of it in the end.
   */
  readonly common?: CommonFields | undefined;
  /** Time of the event, nanoseconds since the Unix epoch. */
  readonly timeNs: bigint;
  /** The same as two numbers, where they are to be had: a bigint is an object, of which each event would make some. */
  readonly timeLow?: number;
  readonly timeHigh?: number;
  readonly cpu: number;
  readonly skb: bigint;
  readonly queue: number;
  /** Length on the wire from the first byte of `data`. */
  readonly wireLength: number;
  /** Captured bytes; valid until the sink's write() returns: copy to keep. */
  readonly data: Uint8Array;
  /** The length of `data`, and a copy of part of it as EventView has it: a view of it costs more than a short copy. */
  readonly dataLength?: number;
  copyWords?(from: number, length: number, to: Uint32Array, at: number): boolean;
  /** `data` ends before the snap length and the packet do: the rest is in pages that could not be read. */
  readonly bytes?: 'linear-only' | undefined;
  /** What the function or program returned, decoded: `0`, `-EPERM`, `NF_DROP`, `0xffff8881...`. */
  readonly ret?: string | undefined;
  /** From the entry of the function to its return. */
  readonly durationNs?: bigint | undefined;
  /** What an XDP or tc program decided: `DROP`, `SHOT`; a number that the kernel has no name for. */
  readonly verdict?: string | undefined;
  readonly verdictCode?: VerdictCode | undefined;
  /** Where an XDP program redirects to: a device, or `map:ID[ENTRY]`. */
  readonly redirect?: string | undefined;
  /** The same at each hook that one packet came by. */
  readonly packetId?: bigint | undefined;
  /** Which rule the packet fell to; `rule` is that in one line. */
  readonly ruleParts?: Rule | undefined;
  readonly rule?: string | undefined;
  /** Fields of --action-c, where it gave some; `userText` is them as they are written: `a=1 b=0x2`. */
  readonly user?: readonly UserValue[] | undefined;
  readonly userText?: string | undefined;
}

/** An event of a socket that no packet can be made up of. */
export const isWithoutPacket = ({ family, synth }: PacketRecord): boolean =>
  family !== undefined && synth === undefined;

/** What a record has as numbers, or else what they are made of. */
export const dataLength = (record: PacketRecord): number => record.dataLength ?? record.data.length;
export const timeHigh = (record: PacketRecord): number =>
  record.timeHigh ?? Number(BigInt.asUintN(32, record.timeNs >> 32n));
export const timeLow = (record: PacketRecord): number =>
  record.timeLow ?? Number(BigInt.asUintN(32, record.timeNs));
