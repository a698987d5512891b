import { functionOf } from '../btf/functions.ts';
import { allBtfs } from './all-btfs.ts';
import { carrierAt, carrierTypes, findCarrier } from './carrier.ts';
import {
  locateFunctions,
  type DescribedFunction,
  type FoundFunction,
  type FunctionKernel,
} from './function-facts.ts';
import type { Carrier } from './resolved.ts';

/** A function that has a packet, as BTF tells. */
export interface PacketFunction {
  readonly name: string;
  readonly described: DescribedFunction;
  readonly carrier: Carrier;
}

export interface PacketFunctionOptions {
  /** From 0: the argument that has to be the packet; undefined takes any that is. */
  readonly argument?: number | undefined;
  /** Those too that the kernel does not let be traced. */
  readonly untraceable?: boolean;
}

/**
 * The functions of the kernel and of loaded modules that have a packet or a socket and that the
 * kernel lets be traced.
 *
 * @param wanted by name: asked of functions that may have one
 */
export function* packetFunctions(
  kernel: FunctionKernel,
  wanted: (name: string) => boolean,
  { argument, untraceable = false }: PacketFunctionOptions = {},
): Generator<PacketFunction> {
  const mayCarry = carrierTypes();
  for (const [btf, module] of allBtfs(kernel)) {
    for (const id of btf.idsOfKind('func')) {
      if (argument === undefined && !btf.someParameter(id, (type) => mayCarry(btf, type))) continue;
      const name = btf.name(id);
      if (!wanted(name) || !(untraceable || kernel.traceable.allows(name))) continue;
      const described = { btf, module, proto: functionOf(btf, id) };
      const { params } = described.proto;
      const carrier =
        argument === undefined ? findCarrier(btf, params) : carrierAt(btf, params, argument);
      if (carrier === undefined || typeof carrier === 'string') continue;
      yield { name, described, carrier };
    }
  }
}

/** These with their code; a namesake in another module is not theirs. */
export function withCode(
  functions: readonly PacketFunction[],
  kernel: FunctionKernel,
): readonly (PacketFunction & FoundFunction)[] {
  const locate = locateFunctions(kernel, new Set(functions.map(({ name }) => name)));
  return functions.map((each) => {
    const { symbols, twins } = locate(each.name);
    return {
      ...each,
      symbols: symbols.filter(({ module }) => module === each.described.module),
      twins,
    };
  });
}

/** Names of all functions that BTF knows, doubles among them. */
export function* functionNames(kernel: FunctionKernel): Generator<string> {
  for (const [btf] of allBtfs(kernel)) {
    for (const id of btf.idsOfKind('func')) yield btf.name(id);
  }
}
