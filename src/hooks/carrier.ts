import type { Btf } from '../btf/btf.ts';
import type { BtfArgument } from '../btf/functions.ts';
import { memberPlace } from '../btf/members.ts';
import type { Carrier, CarrierKind } from './resolved.ts';

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
  const target = btf.pointee(param.typeId);
  // Kernel functions call it so where it is given to them; others are where they put one.
  const given = param.name === 'pskb';
  if (given && target?.kind === 'ptr' && isPacket(btf, target.typeId)) {
    return { ...place, kind: 'skb-pointer', typed: false, offset: 0, struct: 'sk_buff' };
  }
  if (target?.kind !== 'struct') return undefined;
  const member = memberPlace(btf, target, 'skb');
  const type = member && btf.resolve(member.typeId);
  if (member === undefined || type?.kind !== 'ptr' || !isPacket(btf, type.typeId)) return undefined;
  const offset = member.offsetBytes;
  return { ...place, kind: 'skb-member', typed: false, offset, struct: target.name };
}

function isPacket(btf: Btf, typeId: number): boolean {
  const type = btf.resolve(typeId);
  return (type.kind === 'struct' || type.kind === 'fwd') && type.name === 'sk_buff';
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
export function canBeBare({ kind }: Carrier, params: readonly BtfArgument[]): boolean {
  if (kind !== 'skb' && kind !== 'skb-pointer' && kind !== 'skb-member' && kind !== 'sock')
    return false;
  return kind === 'sock' || !params.some(({ pointsTo = '' }) => BEHIND_HEADERS.has(pointsTo));
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
