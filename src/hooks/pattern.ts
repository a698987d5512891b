import { UnsupportedError, UsageError } from '../errors.ts';
import {
  attachPoint,
  hooksFunctions,
  NO_BACKEND,
  orderForMany,
  OTHER_HOOKS,
  whyNot,
} from './function.ts';
import { obstacle, type FunctionKernel } from './function-facts.ts';
import { packetFunctions, withCode } from './packet-functions.ts';
import { patternMatcher } from './parse.ts';
import type { ResolvedHook } from './resolved.ts';
import type { PatternSpec } from './spec.ts';

/** The functions with a packet that a pattern stands for. @throws UsageError, UnsupportedError when there are none */
export function resolvePattern(
  spec: PatternSpec & { readonly id: string },
  kernel: FunctionKernel,
  exclude: readonly string[],
): readonly ResolvedHook[] {
  const matches = patternMatcher(spec.pattern);
  const excluded = exclude.map(patternMatcher);
  const candidates = packetFunctions(
    kernel,
    (name) => matches(name) && !excluded.some((each) => each(name)),
    { argument: spec.argument },
  );
  const functions = [...candidates].filter(
    ({ carrier: { kind } }) => kind === 'skb' || kind === 'skb-pointer',
  );
  const order = spec.backend === undefined ? orderForMany(kernel) : [spec.backend];
  const hooks = new Map<string, ResolvedHook>();
  for (const found of withCode(functions, kernel)) {
    const { name, described } = found;
    if (obstacle(name, found, kernel) !== undefined) continue;
    const backend = order.find((each) => whyNot(each, found, kernel) === undefined);
    if (backend === undefined) continue;
    // Two modules can have a function of the same name.
    const id = hooks.has(name) ? `${name}[${described.module ?? ''}]` : name;
    hooks.set(id, { id, pattern: spec.id, ...attachPoint(name, found, backend, kernel) });
  }
  if (hooks.size > 0) return [...hooks.values()];
  if (!hooksFunctions(kernel)) {
    throw new UnsupportedError(`choosing hooks: ${spec.id}: ${NO_BACKEND}`, { hint: OTHER_HOOKS });
  }
  const why =
    functions.length === 0
      ? 'no function with a packet has such a name'
      : 'no function of such a name can be hooked';
  throw new UsageError(`choosing hooks: ${spec.id}: ${why}`, {
    hint: 'xcap hooks lists what can be hooked',
  });
}
