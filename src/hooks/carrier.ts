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
    return kind === undefined || slot === undefined ? [] : [{ kind, slot, name: param.name }];
  });
  for (const kind of PREFERENCE) {
    const first = found.find((each) => each.kind === kind);
    if (first !== undefined) return first;
  }
  return undefined;
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
