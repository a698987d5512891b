import type { Btf } from './btf.ts';
import { BtfError } from './error.ts';
import type { BtfKind } from './types.ts';

/** A parameter or a return value. */
export interface BtfArgument {
  /** Empty for a return value, and where the BTF has types only. */
  readonly name: string;
  readonly typeId: number;
  /** Name of the struct or union that it points to, defined in this BTF or not. */
  readonly pointsTo: string | undefined;
  /** The pointee is const. */
  readonly const: boolean;
}

export interface BtfFunction {
  /** Id of the FUNC: what attach_btf_id takes for fentry and fexit. */
  readonly id: number;
  readonly params: readonly BtfArgument[];
  readonly returns: BtfArgument;
  /** The last parameter is `...`; it is not among params. */
  readonly variadic: boolean;
}

/** Name, parameters and return type of a function; undefined when the BTF has no such FUNC. */
export function funcProto(btf: Btf, name: string): BtfFunction | undefined {
  const id = btf.findType('func', name);
  return id === undefined ? undefined : functionOf(btf, id);
}

/** As funcProto(), for a FUNC by id. Throws BtfError when the id is something else. */
export function functionOf(btf: Btf, id: number): BtfFunction {
  const func = btf.type(id);
  const proto = func.kind === 'func' ? btf.type(func.typeId) : undefined;
  if (proto?.kind !== 'func_proto') {
    throw new BtfError(`reading the prototype of type ${id}: it is no function: ${func.kind}`);
  }
  const variadic = proto.params.at(-1)?.typeId === 0;
  return {
    id,
    params: (variadic ? proto.params.slice(0, -1) : proto.params).map((param) =>
      describeArgument(btf, param.name, param.typeId),
    ),
    returns: describeArgument(btf, '', proto.returnTypeId),
    variadic,
  };
}

/** Id of the typedef of that name: `btf_trace_kfree_skb` is what tp_btf programs attach to. */
export function typedefId(btf: Btf, name: string): number | undefined {
  return btf.findType('typedef', name);
}

export interface BtfVariable {
  /** Id of the VAR: what a typed ksym load (BPF_PSEUDO_BTF_ID) takes. */
  readonly id: number;
  readonly typeId: number;
  readonly sizeBytes: number;
  /** Name of the struct or union that it is. */
  readonly struct: string | undefined;
}

/**
 * A per-cpu variable such as `__preempt_count`; undefined when the BTF has no VAR for it. Pahole
 * writes those of the per-cpu section only, and none for Debian's 5.10.
 */
export function findVariable(btf: Btf, name: string): BtfVariable | undefined {
  const id = btf.findType('var', name);
  const variable = id === undefined ? undefined : btf.type(id);
  if (variable?.kind !== 'var') return undefined;
  const type = btf.resolve(variable.typeId);
  return {
    id: variable.id,
    typeId: variable.typeId,
    sizeBytes: btf.sizeOf(variable.typeId),
    struct: type.kind === 'struct' || type.kind === 'union' ? type.name : undefined,
  };
}

/** A parameter of that type. @param name of the parameter */
export function describeArgument(btf: Btf, name: string, typeId: number): BtfArgument {
  const target = btf.pointeeId(typeId);
  if (target === undefined) return { name, typeId, pointsTo: undefined, const: false };
  const behind = btf.resolveId(target);
  const struct = COMPOSITE.has(btf.kind(behind)) ? btf.name(behind) : '';
  return {
    name,
    typeId,
    pointsTo: struct === '' ? undefined : struct,
    const: isConst(btf, target),
  };
}

const COMPOSITE: ReadonlySet<BtfKind> = new Set(['struct', 'union', 'fwd']);

/** A const anywhere among the qualifiers and typedefs; resolveId() has bounded the chain. */
function isConst(btf: Btf, id: number): boolean {
  const end = btf.resolveId(id);
  for (let at = id; at !== end;) {
    const type = btf.type(at);
    if (type.kind === 'const') return true;
    at = 'typeId' in type ? type.typeId : end;
  }
  return false;
}
