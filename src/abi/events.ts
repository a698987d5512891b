/**
 * The event that programs put into the ring, defined once: emitted as C with static asserts
 * (emit-c.ts) and read back by the same table (decode.ts). Natural alignment, explicit padding,
 * the captured bytes follow the struct.
 */

export type FieldType = 'u8' | 'u16' | 'u32' | 'u64';

export interface EventField {
  readonly name: string;
  readonly type: FieldType;
  /** Array length; 1 for a scalar. */
  readonly count: number;
  readonly offset: number;
}

export const FIELD_BYTES: Readonly<Record<FieldType, number>> = { u8: 1, u16: 2, u32: 4, u64: 8 };

/** Places members one behind the other; each has to be aligned there. */
export function layoutFields(
  rows: readonly (readonly [name: string, type: FieldType, count?: number])[],
): readonly EventField[] {
  let offset = 0;
  return rows.map(([name, type, count = 1]) => {
    const bytes = FIELD_BYTES[type];
    if (offset % bytes !== 0) throw new RangeError(`event field ${name} is not aligned`);
    const field = { name, type, count, offset };
    offset += bytes * count;
    return field;
  });
}

export const EVENT_FIELDS = layoutFields([
  ['time_ns', 'u64'], // bpf_ktime_get_ns(): CLOCK_MONOTONIC
  ['skb', 'u64'],
  ['ret', 'u64'], // what the function or program returned, where XCAP_EVENT_RETURNED says so
  ['duration_ns', 'u64'], // from entry to return, where XCAP_EVENT_TIMED says so
  ['packet_id', 'u64'], // the same at each hook that one packet came by; 0: not told
  ['redirect_map', 'u32'], // where XCAP_EVENT_REDIRECTED: a map's id, 0 for a device
  ['redirect_index', 'u32'], // the map's entry, or the device's ifindex
  ['wire_length', 'u32'], // from the first byte of the packet
  ['captured_length', 'u32'],
  ['socket', 'u32'], // inode number of the socket that the packet is for; 0: not told
  ['cpu', 'u16'], // CONFIG_NR_CPUS ends at 8192
  ['queue', 'u16'],
  // From here on most events are like others.
  ['location', 'u64'], // address in the caller of kfree_skb
  ['reason', 'u32'], // enum skb_drop_reason, subsystem in the upper half
  ['tgid', 'u32'],
  ['pid', 'u32'],
  ['uid', 'u32'],
  ['ifindex', 'u32'],
  ['netns', 'u32'],
  ['mark', 'u32'],
  ['hook', 'u16'], // index in the run's list of hooks
  ['protocol', 'u16'], // host order
  ['context', 'u8'], // XCAP_CONTEXT_*
  ['packet_type', 'u8'], // skb->pkt_type
  ['link', 'u8'], // XCAP_LINK_*
  ['flags', 'u8'], // XCAP_EVENT_*
  ['comm', 'u8', 16],
  ['ifname', 'u8', 16],
  ['stack', 'u32'], // its number plus 1, or STACK_FAILED and an errno; 0: not asked for
  ['synth', 'u8'], // XCAP_SYNTH_*: headers that are not the packet's own
  ['unused', 'u8', 7],
]);

/** Bits of `synth`; an Ethernet header comes with any of them. */
export const SYNTH_LAYERS = { ip4: 1, ip6: 2, tcp: 4, udp: 8 } as const;

/** In `stack`: there is none, for the reason of the errno in the other bits. */
export const STACK_FAILED = 0x8000_0000;

/** Bits of `flags`. */
export const EVENT_FLAGS = {
  returned: 1,
  redirected: 2,
  timed: 4,
  /** Bytes within the snap length are not captured: the kernel did not let the program read them. */
  linear_only: 8,
} as const;

/** What an event of a socket alone has before the bytes of the packet that it would send. */
export const SOCKET_FIELDS = layoutFields([
  ['laddr', 'u8', 16], // IPv4 in the first four bytes
  ['raddr', 'u8', 16],
  ['lport', 'u16'], // host order, both
  ['rport', 'u16'],
  ['family', 'u16'], // AF_*
  ['protocol', 'u16'], // IPPROTO_*
  ['state', 'u8'], // TCP_*, for every protocol
  ['unused', 'u8', 7],
]);

function sizeOf(fields: readonly EventField[]): number {
  const last = fields.at(-1);
  if (last === undefined) throw new RangeError('an event has fields');
  const end = last.offset + last.count * FIELD_BYTES[last.type];
  if (end % 8 !== 0) throw new RangeError('the event must end on 8 bytes');
  return end;
}

/** Bytes of the event before the captured packet. */
export const EVENT_BYTES = sizeOf(EVENT_FIELDS);
export const SOCKET_BYTES = sizeOf(SOCKET_FIELDS);
