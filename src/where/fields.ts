/** The fields of an event that --where names, spelled as in the outputs (docs/record-format.md). */

/** Fields whose values have names; `resolve` ones only the running system knows. */
export type Domain =
  'reason' | 'location' | 'netns' | 'hook' | 'context' | 'packet_type' | 'protocol' | 'link';

export type EventField =
  | 'reason'
  | 'location'
  | 'pid'
  | 'tid'
  | 'uid'
  | 'netns'
  | 'ifindex'
  | 'mark'
  | 'queue'
  | 'protocol'
  | 'len'
  | 'cpu'
  | 'context'
  | 'hook'
  | 'packet_type'
  | 'link';

export type FieldType =
  | { readonly kind: 'number'; readonly bits: number; readonly domain?: Domain }
  | { readonly kind: 'text'; readonly field: 'comm' | 'ifname' };

export interface FieldSpec {
  readonly type: FieldType;
  /** C expression, of the type that `bits` says; undefined for text. */
  readonly read?: string;
  /** C condition under which the event has no such thing. */
  readonly absent?: string;
}

/** Outside process context the running task has nothing to do with the packet. */
const NOT_TASKS = 'xcap_where_context(hit) > XCAP_CONTEXT_PROCESS';
const NO_DEVICE = '!xcap_where_dev(net)';

const number = (bits: number, domain?: Domain): FieldType =>
  domain === undefined ? { kind: 'number', bits } : { kind: 'number', bits, domain };

/** Names as JSON has them; what JSON leaves out is absent here. */
export const FIELDS: Readonly<Record<EventField | 'comm' | 'ifname', FieldSpec>> = {
  reason: {
    type: number(32, 'reason'),
    read: 'xcap_hit_reason(hit)',
    absent: '!xcap_hit_location(hit)',
  },
  location: {
    type: number(64, 'location'),
    read: 'xcap_hit_location(hit)',
    absent: '!xcap_hit_location(hit)',
  },
  pid: { type: number(32), read: 'xcap_get_current_pid_tgid() >> 32', absent: NOT_TASKS },
  tid: { type: number(32), read: '(u32)xcap_get_current_pid_tgid()', absent: NOT_TASKS },
  uid: { type: number(32), read: '(u32)xcap_get_current_uid_gid()', absent: NOT_TASKS },
  comm: { type: { kind: 'text', field: 'comm' }, absent: NOT_TASKS },
  netns: { type: number(32, 'netns'), read: 'xcap_netns(net)', absent: '!xcap_netns(net)' },
  ifindex: { type: number(32), read: 'xcap_ifindex(net)', absent: NO_DEVICE },
  ifname: { type: { kind: 'text', field: 'ifname' }, absent: NO_DEVICE },
  mark: { type: number(32), read: 'READ(hit->skb, mark)' },
  queue: { type: number(16), read: 'READ(hit->skb, queue_mapping)' },
  protocol: {
    type: number(16, 'protocol'),
    read: 'XCAP_BE16((u16)READ(hit->skb, protocol))',
  },
  len: { type: number(32), read: 'xcap_where_length(hit, view)' },
  cpu: { type: number(32), read: 'xcap_get_smp_processor_id()' },
  context: {
    type: number(8, 'context'),
    read: 'xcap_where_context(hit)',
    absent: 'xcap_where_context(hit) == XCAP_CONTEXT_UNKNOWN',
  },
  hook: { type: number(16, 'hook'), read: 'xcap_hook(hit)' },
  packet_type: {
    type: number(8, 'packet_type'),
    read: 'XCAP_BITS_sk_buff__pkt_type(READ, hit->skb)',
  },
  link: { type: number(8, 'link'), read: 'view->link' },
};

export const ALIASES: Readonly<Record<string, keyof typeof FIELDS>> = {
  iface: 'ifname',
  netns_name: 'netns',
  type: 'packet_type',
};

/** Fields of the outputs that no program can ask for, and what to use instead. */
export const NOT_HERE: Readonly<Record<string, string>> = {
  time: 'end a capture by --duration',
  caplen: 'len is the length on the wire',
  packet: "bytes are the packet filter's: icmp and ip[8] < 5",
};

/** Names of values that are the same on every kernel. */
export const VALUE_NAMES: Readonly<Partial<Record<Domain, Readonly<Record<string, number>>>>> = {
  // XCAP_CONTEXT_* of templates/include/context.h
  context: { process: 1, softirq: 2, hardirq: 3, nmi: 4 },
  // include/uapi/linux/if_packet.h
  packet_type: { host: 0, broadcast: 1, multicast: 2, otherhost: 3, outgoing: 4, loopback: 5 },
  // include/uapi/linux/if_ether.h, in the words of pcap-filter(7)
  protocol: { ip: 0x0800, arp: 0x0806, rarp: 0x8035, ip6: 0x86dd },
  // XCAP_LINK_* of templates/include/packet.h
  link: { raw: 0, ethernet: 1 },
};

/** The field of that name or alias. */
export function findField(name: string): keyof typeof FIELDS | undefined {
  if (Object.hasOwn(FIELDS, name)) return name as keyof typeof FIELDS;
  return Object.hasOwn(ALIASES, name) ? ALIASES[name] : undefined;
}
