import { decodeSocket, type RawSocket } from './decode-socket.ts';
import { EVENT_BYTES, EVENT_FIELDS, EVENT_FLAGS, SOCKET_BYTES, type EventField } from './events.ts';

/** XCAP_CONTEXT_* and XCAP_LINK_* of the templates. */
export const CONTEXTS = [undefined, 'process', 'softirq', 'hardirq', 'nmi'] as const;
export const LINKS = ['raw', 'ethernet', 'socket'] as const;
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
  location: offsetOf('location'),
  ret: offsetOf('ret'),
  durationNs: offsetOf('duration_ns'),
  packetId: offsetOf('packet_id'),
  wireLength: offsetOf('wire_length'),
  capturedLength: offsetOf('captured_length'),
  reason: offsetOf('reason'),
  tgid: offsetOf('tgid'),
  pid: offsetOf('pid'),
  uid: offsetOf('uid'),
  ifindex: offsetOf('ifindex'),
  netns: offsetOf('netns'),
  mark: offsetOf('mark'),
  redirectMap: offsetOf('redirect_map'),
  redirectIndex: offsetOf('redirect_index'),
  cpu: offsetOf('cpu'),
  queue: offsetOf('queue'),
  protocol: offsetOf('protocol'),
  hook: offsetOf('hook'),
  context: offsetOf('context'),
  packetType: offsetOf('packet_type'),
  link: offsetOf('link'),
  flags: offsetOf('flags'),
  comm: offsetOf('comm'),
  ifname: offsetOf('ifname'),
} as const;

/** The entry of a map; of map 0, a device by its ifindex. */
export interface RawRedirect {
  readonly map: number;
  readonly index: number;
}

/** An event as the program sent it; `data` is a view into the ring, valid until the next pull. */
export interface RawEvent {
  /** CLOCK_MONOTONIC, nanoseconds. */
  readonly timeNs: bigint;
  readonly skb: bigint;
  readonly location: bigint;
  /** What the function or program returned, unsigned; undefined where the event is not of that. */
  readonly ret: bigint | undefined;
  /** From the entry of the function to its return; undefined where the event is not of that. */
  readonly durationNs: bigint | undefined;
  /** The same for each event of one packet; undefined: not told. */
  readonly packetId: bigint | undefined;
  /** Where a program redirects the packet to; undefined: not told. */
  readonly redirect: RawRedirect | undefined;
  readonly wireLength: number;
  readonly reason: number;
  readonly tgid: number;
  readonly pid: number;
  readonly uid: number;
  readonly ifindex: number;
  readonly netns: number;
  readonly mark: number;
  readonly cpu: number;
  readonly queue: number;
  readonly protocol: number;
  readonly hook: number;
  readonly context: (typeof CONTEXTS)[number];
  readonly packetType: (typeof PACKET_TYPES)[number] | undefined;
  readonly link: Exclude<(typeof LINKS)[number], 'socket'>;
  /** Of a socket without a packet; `data` is empty then. */
  readonly socket: RawSocket | undefined;
  readonly comm: string;
  readonly ifname: string;
  readonly data: Uint8Array;
  /** struct xcap_user_extend, where an action gave one. */
  readonly user: Uint8Array | undefined;
}

/** What says, before the fields of an action, that there are some. */
const USER_HEADER_BYTES = 8;

const utf8 = new TextDecoder('utf-8');

/** Kernel strings are bytes up to the first NUL; what is not UTF-8 shows as U+FFFD. */
function text(bytes: Uint8Array, offset: number): string {
  let end = offset;
  while (end < offset + 16 && bytes[end] !== 0) end++;
  return utf8.decode(bytes.subarray(offset, end));
}

/**
 * @param bytes one ring record (longer by up to 7 bytes of padding is fine)
 * @param userBytes as in MapSizes
 * @throws RangeError when it is too short for what it says it holds
 */
export function decodeEvent(bytes: Uint8Array, userBytes = 0): RawEvent {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const captured = view.getUint32(AT.capturedLength, true);
  const start = EVENT_BYTES + userBytes;
  if (start + captured > bytes.length) throw new RangeError('event is cut short');
  const link = LINKS[view.getUint8(AT.link)] ?? 'raw';
  const data = bytes.subarray(start, start + captured);
  const isSocket = link === 'socket' && captured >= SOCKET_BYTES;
  return {
    timeNs: view.getBigUint64(AT.timeNs, true),
    skb: view.getBigUint64(AT.skb, true),
    location: view.getBigUint64(AT.location, true),
    ret:
      (view.getUint8(AT.flags) & EVENT_FLAGS.returned) === 0
        ? undefined
        : view.getBigUint64(AT.ret, true),
    durationNs:
      (view.getUint8(AT.flags) & EVENT_FLAGS.timed) === 0
        ? undefined
        : view.getBigUint64(AT.durationNs, true),
    packetId: view.getBigUint64(AT.packetId, true) || undefined,
    redirect:
      (view.getUint8(AT.flags) & EVENT_FLAGS.redirected) === 0
        ? undefined
        : {
            map: view.getUint32(AT.redirectMap, true),
            index: view.getUint32(AT.redirectIndex, true),
          },
    wireLength: view.getUint32(AT.wireLength, true),
    reason: view.getUint32(AT.reason, true),
    tgid: view.getUint32(AT.tgid, true),
    pid: view.getUint32(AT.pid, true),
    uid: view.getUint32(AT.uid, true),
    ifindex: view.getUint32(AT.ifindex, true),
    netns: view.getUint32(AT.netns, true),
    mark: view.getUint32(AT.mark, true),
    cpu: view.getUint16(AT.cpu, true),
    queue: view.getUint16(AT.queue, true),
    protocol: view.getUint16(AT.protocol, true),
    hook: view.getUint16(AT.hook, true),
    context: CONTEXTS[view.getUint8(AT.context)],
    packetType: PACKET_TYPES[view.getUint8(AT.packetType)],
    link: link === 'socket' ? 'raw' : link,
    socket: isSocket ? decodeSocket(data) : undefined,
    comm: text(bytes, AT.comm),
    ifname: text(bytes, AT.ifname),
    data: isSocket ? data.subarray(0, 0) : data,
    user:
      userBytes > 0 && view.getUint8(EVENT_BYTES) === 1
        ? bytes.subarray(EVENT_BYTES + USER_HEADER_BYTES, start)
        : undefined,
  };
}
