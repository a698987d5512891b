import type { Btf } from '../btf/btf.ts';
import type { BtfArgument } from '../btf/functions.ts';
import type { Carrier, CarrierKind } from './resolved.ts';

/** Best first: a packet says more than its socket. */
const PREFERENCE: readonly CarrierKind[] = ['skb', 'skb-pointer', 'sock'];

/** What argument leads to a packet or a socket; undefined when none does. */
export function findCarrier(btf: Btf, params: readonly BtfArgument[]): Carrier | undefined {
  const slots = argumentSlots(btf, params);
  const found = params.flatMap((param, i): Carrier[] => {
    const kind = carrierKind(btf, param);
    const slot = slots[i];
    if (kind === undefined || slot === undefined) return [];
    return [{ kind, slot, typed: kind !== 'skb-pointer', number: i + 1, name: param.name }];
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
  if (params === undefined) return { kind: 'skb', slot: index, typed: false, number, name: '' };
  const param = params[index];
  const slot = argumentSlots(btf, params)[index];
  if (param === undefined)
    return `it has ${params.length} argument${params.length === 1 ? '' : 's'}`;
  const kind = carrierKind(btf, param);
  if (slot === undefined) return `argument ${number} is on the stack`;
  if (kind !== undefined) {
    return { kind, slot, typed: kind !== 'skb-pointer', number, name: param.name };
  }
  const target = btf.pointee(param.typeId);
  if (target?.kind === 'void') {
    return { kind: 'skb', slot, typed: false, number, name: param.name };
  }
  return `argument ${number} (${param.name}) is neither a packet nor a socket`;
}

/** What a parameter of this type leads to. */
export function carrierKind(btf: Btf, param: BtfArgument): CarrierKind | undefined {
  if (param.pointsTo === 'sk_buff') return 'skb';
  if (param.pointsTo === 'sock') return 'sock';
  const target = btf.pointee(param.typeId);
  if (target?.kind !== 'ptr') return undefined;
  const behind = btf.resolve(target.typeId);
  return behind.kind === 'struct' && behind.name === 'sk_buff' ? 'skb-pointer' : undefined;
}

/** The word of the first argument that is a socket; undefined when none is, or on the stack. */
export function socketSlot(btf: Btf, params: readonly BtfArgument[]): number | undefined {
  const index = params.findIndex((param) => carrierKind(btf, param) === 'sock');
  const slot = argumentSlots(btf, params)[index];
  return slot === undefined || slot >= REGISTER_WORDS ? undefined : slot;
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
