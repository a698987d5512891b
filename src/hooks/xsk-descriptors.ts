import { memberPath } from '../btf/members.ts';
import { attachPoint } from './function.ts';
import { argumentSlots } from './carrier.ts';
import {
  findFunction,
  obstacle,
  type FunctionCode,
  type FunctionFacts,
  type FunctionKernel,
} from './function-facts.ts';
import type { Carrier, HookArguments, ResolvedHook } from './resolved.ts';
import type { FunctionPlace } from './spec.ts';

type Locate = (name: string) => FunctionCode;
type DescriptorHook = Omit<ResolvedHook, 'id' | 'pattern'>;

/**
 * Where drivers take what zero-copy sockets send. There is no skb and no xdp_buff.
 *
 * - `bool xsk_tx_peek_desc(pool, desc)` has written the descriptor when it returns true.
 * - `u32 xsk_tx_peek_release_desc_batch(pool, max)` has written as many as it returns into
 *   `pool->tx_descs`. Where several sockets share the pool it fills that by the other function: see
 *   `butBatches`.
 *
 * @returns those that can be hooked at their return with their arguments
 */
export function resolveDescriptors(
  { one, batch }: NonNullable<FunctionPlace['descriptors']>,
  kernel: FunctionKernel,
  locate: Locate,
): readonly DescriptorHook[] {
  const batches = resolveBatch(batch, kernel, locate);
  const ones = resolveOne(one, batches !== undefined, kernel, locate);
  return [ones, batches].filter((hook) => hook !== undefined);
}

function resolveOne(
  name: string,
  butBatches: boolean,
  kernel: FunctionKernel,
  locate: Locate,
): DescriptorHook | undefined {
  const found = findAtReturn(name, kernel, locate);
  if (found === undefined) return undefined;
  const { facts, slotOf, params } = found;
  const [pool, descriptor] = [slotOf('xsk_buff_pool'), slotOf('xdp_desc')];
  if (pool === undefined || descriptor === undefined) return undefined;
  const byHelper = kernel.features.has('get-func-arg');
  return {
    ...atReturn(name, facts, poolAt(pool, 'xsk'), kernel, {
      descriptor,
      ...(butBatches ? { butBatches } : {}),
    }),
    returnSlot: byHelper ? undefined : params,
  };
}

function resolveBatch(
  name: string,
  kernel: FunctionKernel,
  locate: Locate,
): DescriptorHook | undefined {
  const found = findAtReturn(name, kernel, locate);
  if (found === undefined) return undefined;
  const { facts, slotOf } = found;
  const pool = slotOf('xsk_buff_pool');
  // Before commit d1bc532e99be the driver gave it a place for them.
  if (pool === undefined || slotOf('xdp_desc') !== undefined) return undefined;
  if (memberPath(kernel.btf, 'xsk_buff_pool', 'tx_descs') === undefined) return undefined;
  if (!kernel.features.has('get-func-arg') || !kernel.features.has('bpf-loop')) return undefined;
  return atReturn(name, facts, poolAt(pool, 'xsk-batch'), kernel, {});
}

interface AtReturn {
  readonly facts: FunctionFacts;
  /** The word of the argument that points to this struct. */
  readonly slotOf: (struct: string) => number | undefined;
  readonly params: number;
}

function findAtReturn(name: string, kernel: FunctionKernel, locate: Locate): AtReturn | undefined {
  const facts = findFunction(kernel, name, locate);
  const { described } = facts;
  if (obstacle(name, facts, kernel) !== undefined || facts.symbols.length !== 1) return undefined;
  if (described === undefined || !kernel.features.has('fentry')) return undefined;
  const { params } = described.proto;
  const slots = argumentSlots(described.btf, params);
  return {
    facts,
    slotOf: (struct) => slots[params.findIndex(({ pointsTo }) => pointsTo === struct)],
    params: params.length,
  };
}

function poolAt(slot: number, kind: 'xsk' | 'xsk-batch'): Carrier {
  return {
    ...{ kind, slot, typed: false, number: slot + 1, name: 'pool', offset: 0 },
    struct: 'xsk_buff_pool',
  };
}

function atReturn(
  name: string,
  facts: FunctionFacts,
  carrier: Carrier,
  kernel: FunctionKernel,
  more: Partial<HookArguments>,
): DescriptorHook {
  const at = attachPoint(name, { ...facts, carrier }, 'fentry', kernel);
  return { ...at, backend: 'fexit', arguments: { ...at.arguments, ...more } };
}
