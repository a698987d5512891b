import type { Btf } from '../btf/btf.ts';
import { describeArgument, type BtfArgument } from '../btf/functions.ts';
import { memberPlace } from '../btf/members.ts';
import { hasSkbOrSocket, type Carrier, type CarrierKind } from './resolved.ts';

/** Best first: a packet says more than its socket. */
const PREFERENCE: readonly CarrierKind[] = ['skb', 'skb-pointer', 'xdp', 'skb-member', 'sock'];

/** What argument leads to a packet or a socket; undefined when none does. */
export function findCarrier(btf: Btf, params: readonly BtfArgument[]): Carrier | undefined {
  const slots = argumentSlots(btf, params);
  const found = params.flatMap((param, i): Carrier[] => {
    const slot = slots[i];
    const carrier = slot === undefined ? undefined : carrierOf(btf, param, slot, i + 1);
    return carrier === undefined ? [] : [carrier];
  });
  for (const kind of PREFERENCE) {
    const first = found.find((each) => each.kind === kind);
    if (first !== undefined) return first;
  }
  return undefined;
}

/**
 * The argument that the user names by @N, from 0. What BTF says of it counts; where it says nothing
 * (`void *`, or no BTF at all) it is taken for the packet.
 *
 * @returns why it cannot be, else the carrier
 */
export function carrierAt(
  btf: Btf,
  params: readonly BtfArgument[] | undefined,
  index: number,
): Carrier | string {
  const number = index + 1;
  const taken = { kind: 'skb', typed: false, number, offset: 0, struct: 'sk_buff' } as const;
  if (params === undefined) return { ...taken, slot: index, name: '' };
  const param = params[index];
  const slot = argumentSlots(btf, params)[index];
  if (param === undefined) {
    return `it has ${params.length} argument${params.length === 1 ? '' : 's'}`;
  }
  if (slot === undefined) return `argument ${number} is on the stack`;
  const carrier = carrierOf(btf, param, slot, number);
  if (carrier !== undefined) return carrier;
  if (btf.pointee(param.typeId)?.kind === 'void') return { ...taken, slot, name: param.name };
  return `argument ${number} (${param.name}) is neither a packet nor a socket`;
}

/** What a parameter of this type leads to. */
function carrierOf(
  btf: Btf,
  param: BtfArgument,
  slot: number,
  number: number,
): Carrier | undefined {
  const place = { slot, number, name: param.name };
  const { pointsTo } = param;
  if (pointsTo === 'sk_buff') {
    return { ...place, kind: 'skb', typed: true, offset: 0, struct: pointsTo };
  }
  if (pointsTo === 'xdp_buff') {
    // Read by probes, whatever the verifier knows of it: its programs are those of untyped arguments.
    return { ...place, kind: 'xdp', typed: false, offset: 0, struct: pointsTo };
  }
  if (pointsTo === 'sock') {
    return { ...place, kind: 'sock', typed: true, offset: 0, struct: pointsTo };
  }
  const pointee = btf.pointeeId(param.typeId);
  if (pointee === undefined) return undefined;
  const target = btf.resolveId(pointee);
  if (btf.kind(target) === 'ptr') {
    const given = param.name === GIVEN_PACKETS && isPacket(btf, btf.pointeeId(target) ?? 0);
    if (!given) return undefined;
    return { ...place, kind: 'skb-pointer', typed: false, offset: 0, struct: 'sk_buff' };
  }
  if (btf.kind(target) !== 'struct') return undefined;
  const offset = packetMember(btf, target);
  if (offset === undefined) return undefined;
  return { ...place, kind: 'skb-member', typed: false, offset, struct: btf.name(target) };
}

const packetMembers = new WeakMap<Btf, Map<number, number | undefined>>();

/** Byte offset of the member `skb` of a struct, if it points to a packet. Each struct is looked at once. */
function packetMember(btf: Btf, struct: number): number | undefined {
  const known = packetMembers.get(btf) ?? new Map<number, number | undefined>();
  packetMembers.set(btf, known);
  if (!known.has(struct)) {
    const type = btf.type(struct);
    const member = type.kind === 'struct' ? memberPlace(btf, type, 'skb') : undefined;
    const pointee = member && btf.pointeeId(member.typeId);
    const packet = pointee !== undefined && isPacket(btf, pointee);
    known.set(struct, packet ? member?.offsetBytes : undefined);
  }
  return known.get(struct);
}

/**
 * Tells parameters by their type, each type looked at once: of a kernel's 60,000 functions a few thousand have a packet
 * or a socket.
 *
 * @returns whether a parameter of that type can lead to one
 */
export function carrierTypes(): (btf: Btf, typeId: number) => boolean {
  const known = new Map<Btf, Map<number, boolean>>();
  const mayCarry = (btf: Btf, typeId: number): boolean => {
    if (btf.base !== undefined && typeId < btf.firstId) return mayCarry(btf.base, typeId);
    const types = known.get(btf) ?? new Map<number, boolean>();
    known.set(btf, types);
    let may = types.get(typeId);
    if (may === undefined) {
      // By the name that most can be given by.
      may = carrierOf(btf, describeArgument(btf, GIVEN_PACKETS, typeId), 0, 1) !== undefined;
      types.set(typeId, may);
    }
    return may;
  };
  return mayCarry;
}

/** Kernel functions call it so where a `struct sk_buff **` is given to them; others are where they put one. */
const GIVEN_PACKETS = 'pskb';

function isPacket(btf: Btf, typeId: number): boolean {
  const type = btf.resolveId(typeId);
  const kind = btf.kind(type);
  return (kind === 'struct' || kind === 'fwd') && btf.name(type) === 'sk_buff';
}

/** The word of the first argument of that type; undefined when none is, or on the stack. */
export function socketSlot(
  btf: Btf,
  params: readonly BtfArgument[],
  struct: 'sock' | 'xdp_sock' | 'msghdr',
): number | undefined {
  const index = params.findIndex(({ pointsTo }) => pointsTo === struct);
  const slot = argumentSlots(btf, params)[index];
  return slot === undefined || slot >= REGISTER_WORDS ? undefined : slot;
}

/**
 * Whoever is given one of these is at a device, or at a protocol's hooks: the packet has the headers that
 * it is known by there.
 */
const BEHIND_HEADERS = new Set([
  ...['net_device', 'napi_struct', 'netdev_queue', 'Qdisc', 'packet_type', 'nf_hook_state'],
]);

/** Whether packets that have no headers yet can come by a place with these parameters. */
export function canBeBare(carrier: Carrier, params: readonly BtfArgument[]): boolean {
  if (!hasSkbOrSocket(carrier)) return false;
  return (
    carrier.kind === 'sock' || !params.some(({ pointsTo = '' }) => BEHIND_HEADERS.has(pointsTo))
  );
}

/** Of x86-64; other machines have more. */
const REGISTER_WORDS = 6;

const WORD = 8;

/**
 * The 64-bit word that each argument starts at. Structs of up to 16 bytes are passed in words of
 * their own (System V ABI, AMD64 supplement, 3.2.3); what is larger lies on the stack and takes none:
 * undefined.
 */
export function argumentSlots(
  btf: Btf,
  params: readonly Pick<BtfArgument, 'typeId'>[],
): readonly (number | undefined)[] {
  let next = 0;
  return params.map(({ typeId }) => {
    const words = Math.ceil(btf.sizeOf(typeId) / WORD);
    if (words > 2) return undefined;
    const slot = next;
    next += Math.max(1, words);
    return slot;
  });
}
