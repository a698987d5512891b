import type { RawEvent, RawRedirect } from '../abi/decode.ts';
import type { ReturnType } from '../hooks/return-type.ts';
import type { UserValue } from '../user-c/values.ts';
import type { PacketRecord } from './record.ts';
import { decodeReturn } from './returned.ts';
import { socketFields } from './socket.ts';

/** What turns numbers of the kernel into names; each answers undefined when it cannot tell. */
export interface Names {
  /** Hook ids by index in the run. */
  readonly hooks: readonly string[];
  /** Where each hook is attached, in words: `skb:kfree_skb, BTF-typed`. */
  readonly attachPoints: readonly string[];
  /** What the return values mean, by hook; undefined where there is none. */
  readonly returns: readonly (ReturnType | undefined)[];
  /** Realtime minus monotonic clock, nanoseconds, at about the time of the event. */
  readonly clockOffsetNs: () => bigint;
  /** Undefined where the kernel has no drop reasons (before 5.17). */
  readonly reason: ((value: number) => string) | undefined;
  readonly location: (address: bigint) => string;
  readonly netns: (inode: number) => string | undefined;
  readonly netnsLabel: (inode: number) => string | undefined;
  /** The context was told by the stack: ksoftirqd's own stack is a task's, what it runs is softirq. */
  readonly contextByStack: boolean;
  /** Name of a device of a namespace; undefined when it is not known. */
  readonly device?: (netns: number, ifindex: number) => string | undefined;
  /** Fields of --action-c; undefined without. */
  readonly user: ((bytes: Uint8Array) => readonly UserValue[]) | undefined;
}

/** A record from an event; shares the event's bytes. */
export function buildRecord(event: RawEvent, names: Names): PacketRecord {
  const isDrop = event.location !== 0n;
  const inKsoftirqd = names.contextByStack && event.comm.startsWith('ksoftirqd/');
  const user = event.user === undefined ? undefined : names.user?.(event.user);
  const record = {
    hook: names.hooks[event.hook] ?? `hook ${event.hook}`,
    timeNs: event.timeNs + names.clockOffsetNs(),
    cpu: event.cpu,
    skb: event.skb,
    ifindex: event.ifindex === 0 ? undefined : event.ifindex,
    iface: event.ifname === '' ? undefined : event.ifname,
    netns: event.netns === 0 ? undefined : event.netns,
    netnsName: event.netns === 0 ? undefined : names.netns(event.netns),
    netnsLabel: event.netns === 0 ? undefined : names.netnsLabel(event.netns),
    reason: isDrop ? names.reason?.(event.reason) : undefined,
    location: isDrop ? names.location(event.location) : undefined,
    context: inKsoftirqd ? 'softirq' : event.context,
    pid: event.tgid,
    tid: event.pid,
    comm: event.comm,
    uid: event.uid,
    mark: event.mark,
    queue: event.queue,
    protocol: event.protocol,
    packetType: event.packetType,
    linkType: event.link,
    wireLength: event.wireLength,
    data: event.data,
  };
  const { socket, ret, durationNs, packetId } = event;
  if ((socket ?? user ?? ret ?? durationNs ?? packetId) === undefined) return record;
  const returns = names.returns[event.hook];
  return {
    ...record,
    ...(ret === undefined || returns === undefined ? {} : decodeReturn(returns, ret)),
    ...(event.redirect === undefined
      ? {}
      : { redirect: redirectText(event, event.redirect, names) }),
    ...(durationNs === undefined ? {} : { durationNs }),
    ...(packetId === undefined ? {} : { packetId }),
    ...(socket === undefined ? {} : socketFields(socket)),
    ...(user === undefined ? {} : { user, userText: userText(user) }),
  };
}

function redirectText({ netns }: RawEvent, { map, index }: RawRedirect, names: Names): string {
  if (map !== 0) return `map:${map}[${index}]`;
  return names.device?.(netns, index) ?? `ifindex:${index}`;
}

const userText = (user: readonly UserValue[]): string =>
  user.map(({ name, text }) => `${name}=${text}`).join(' ');
