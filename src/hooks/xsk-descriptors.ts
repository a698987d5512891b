import { attachPoint } from './function.ts';
import { argumentSlots } from './carrier.ts';
import {
  findFunction,
  obstacle,
  type FunctionCode,
  type FunctionKernel,
} from './function-facts.ts';
import type { Carrier, ResolvedHook } from './resolved.ts';

/**
 * Where drivers take what zero-copy sockets send: `bool xsk_tx_peek_desc(pool, desc)` has written the
 * descriptor when it returns true. There is no skb and no xdp_buff.
 *
 * @returns undefined where the function cannot be hooked at its return with its arguments
 */
export function resolveDescriptors(
  name: string,
  kernel: FunctionKernel,
  locate: (name: string) => FunctionCode,
): Omit<ResolvedHook, 'id' | 'pattern'> | undefined {
  const facts = findFunction(kernel, name, locate);
  const { described } = facts;
  if (obstacle(name, facts, kernel) !== undefined || facts.symbols.length !== 1) return undefined;
  if (described === undefined || !kernel.features.has('fentry')) return undefined;
  const { btf, proto } = described;
  const slots = argumentSlots(btf, proto.params);
  const slotOf = (struct: string): number | undefined =>
    slots[proto.params.findIndex(({ pointsTo }) => pointsTo === struct)];
  const [pool, descriptor] = [slotOf('xsk_buff_pool'), slotOf('xdp_desc')];
  if (pool === undefined || descriptor === undefined) return undefined;
  const byHelper = kernel.features.has('get-func-arg');
  const carrier: Carrier = {
    ...{ kind: 'xsk', slot: pool, typed: false, number: pool + 1, name: 'pool', offset: 0 },
    struct: 'xsk_buff_pool',
  };
  const at = attachPoint(name, { ...facts, carrier }, 'fentry', kernel);
  return {
    ...at,
    backend: 'fexit',
    arguments: { ...at.arguments, descriptor },
    returnSlot: byHelper ? undefined : proto.params.length,
  };
}
