import { UnsupportedError } from '../errors.ts';
import { resolveFunction } from './function.ts';
import {
  findFunction,
  type DescribedFunction,
  type FunctionCode,
  type FunctionKernel,
} from './function-facts.ts';
import type { ResolvedHook } from './resolved.ts';
import { returnTypeOf, type ReturnType } from './return-type.ts';
import type { FunctionSpec } from './spec.ts';

/**
 * The attach points of a function's return. Its packet may be freed by then, so it is captured at
 * the entry and kept. The return goes first: what was kept is then always sent.
 *
 * @throws as resolveFunction()
 */
export function resolveReturn(
  spec: FunctionSpec,
  id: string,
  kernel: FunctionKernel,
  locate: (name: string) => FunctionCode,
): readonly ResolvedHook[] {
  const entry = { ...resolveFunction(spec, id, kernel, locate), part: 'entry' } as const;
  const { described } = findFunction(kernel, spec.name, locate);
  const returns = returned(described);
  if (spec.backend === 'kprobe') {
    return [{ ...entry, backend: 'kretprobe', part: 'return', returns }, entry];
  }
  const returnSlot = returns === undefined ? undefined : slotOf(described, id, kernel);
  return [{ ...entry, backend: 'fexit', part: 'return', returns, returnSlot }, entry];
}

function returned(described: DescribedFunction | undefined): ReturnType | undefined {
  if (described === undefined) return { kind: 'register' };
  return returnTypeOf(described.btf, described.proto.returns.typeId);
}

/**
 * Without bpf_get_func_ret() (5.17, commit f92c1e183604, as bpf_get_func_arg()) the value lies
 * behind the arguments, and has to be of a type that the verifier knows: btf_ctx_access().
 */
function slotOf(
  described: DescribedFunction | undefined,
  id: string,
  { features }: FunctionKernel,
): number | undefined {
  if (described === undefined || features.has('get-func-arg')) return undefined;
  const { btf, proto } = described;
  const type = btf.resolve(proto.returns.typeId);
  if (type.kind === 'ptr' && proto.returns.pointsTo === undefined) {
    throw new UnsupportedError(
      `choosing hooks: ${id}: this kernel does not give fexit programs a value of that type`,
      { hint: 'kretprobe: in the place of fexit: gets it' },
    );
  }
  return proto.params.length;
}
