import type { KernelMemory } from '../kernel/memory.ts';
import type { HookArguments, ResolvedHook } from './resolved.ts';
import type { HookSpec } from './spec.ts';

/** Hooks of each spec. */
export type HooksOfSpecs = ReadonlyMap<HookSpec, readonly ResolvedHook[]>;

/** Functions by name or pattern: what they are on a kernel is looked up in files of 12 MB. */
export const isRemembered = (spec: HookSpec): boolean =>
  spec.kind === 'functions' || (spec.kind === 'function' && !spec.returns);

/** A hook as it is kept: many share their arguments, and JSON has no bigint. */
type KeptHook = Omit<ResolvedHook, 'arguments' | 'addresses'> & {
  /** Number of its arguments. */
  readonly takes: number;
  readonly at: readonly string[];
};

interface Kept {
  readonly takes: readonly HookArguments[];
  readonly hooks: readonly (readonly KeptHook[])[];
}

/** @param specs in their order, as they were when the hooks were kept */
export function recallHooks(
  memory: KernelMemory,
  question: string,
  specs: readonly HookSpec[],
): HooksOfSpecs | undefined {
  const text = memory.recall(question);
  if (text === undefined) return undefined;
  const { takes, hooks } = JSON.parse(text) as Kept;
  const revive = ({ takes: number, at, ...hook }: KeptHook): ResolvedHook => {
    const args = takes[number];
    if (args === undefined) throw new RangeError(`${hook.id}: arguments ${number} were not kept`);
    return { ...hook, addresses: at.map((digits) => BigInt(`0x${digits}`)), arguments: args };
  };
  return new Map(specs.map((spec, i) => [spec, (hooks[i] ?? []).map(revive)]));
}

/** Nothing is kept of a function whose address was hidden from this run: another may see it. */
export function keepHooks(
  memory: KernelMemory,
  question: string,
  specs: readonly HookSpec[],
  found: HooksOfSpecs,
): void {
  const takes = new Map<string, { readonly number: number; readonly args: HookArguments }>();
  const keep = ({ arguments: args, addresses, ...hook }: ResolvedHook): KeptHook => {
    const text = JSON.stringify(args);
    const known = takes.get(text) ?? { number: takes.size, args };
    takes.set(text, known);
    return { ...hook, takes: known.number, at: addresses.map((each) => each.toString(16)) };
  };
  const hooks = specs.map((spec) => (found.get(spec) ?? []).map(keep));
  if (hooks.flat().some(({ at }) => at.length === 0)) return;
  memory.keep(
    question,
    JSON.stringify({ takes: [...takes.values()].map((each) => each.args), hooks }),
  );
}
