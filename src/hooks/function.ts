import { UnsupportedError } from '../errors.ts';
import { canBeBare, carrierAt, findCarrier, socketSlot } from './carrier.ts';
import { cannotHook } from './function-errors.ts';
import {
  findFunction,
  obstacle,
  signature,
  type DescribedFunction,
  type FoundFunction,
  type FunctionCode,
  type FunctionFacts,
  type FunctionKernel,
} from './function-facts.ts';
import type { Carrier, ResolvedHook } from './resolved.ts';
import type { FunctionBackend, FunctionSpec } from './spec.ts';

/**
 * Where a function is hooked, and by what.
 *
 * @param id the hook's name in outputs, and in errors
 * @param locate knows the code of that name
 * @param order of backends, the best first, where none is asked for
 * @throws UsageError when there is no such function, UnsupportedError when it cannot be hooked
 */
export function resolveFunction(
  spec: FunctionSpec,
  id: string,
  kernel: FunctionKernel,
  locate: (name: string) => FunctionCode,
  order = FUNCTION_ORDER,
): ResolvedHook {
  const facts = findFunction(kernel, spec.name, locate);
  if (obstacle(spec.name, facts, kernel) !== undefined) throw cannotHook(spec, id, facts, kernel);
  const found = { ...facts, carrier: carrierOf(spec, id, facts, kernel) };
  const backend = chooseBackend(spec, id, found, kernel, order);
  return { id, pattern: undefined, ...attachPoint(spec.name, found, backend, kernel) };
}

/** All of a hook but what it is called. */
export function attachPoint(
  name: string,
  { described, symbols, carrier }: FoundFunction,
  backend: FunctionBackend,
  { features }: Pick<FunctionKernel, 'features'>,
): Omit<ResolvedHook, 'id' | 'pattern'> {
  const module = described?.module ?? symbols[0]?.module;
  // A packet without a device is in the namespace of the socket that it is for.
  const socket = (struct: 'sock' | 'xdp_sock' | 'msghdr'): number | undefined =>
    described && socketSlot(described.btf, described.proto.params, struct);
  const place = module === undefined ? name : `${name} [${module}]`;
  return {
    ...{ subject: undefined, backend, target: name, place, module },
    cookie: backend === 'kprobe-multi' || (backend === 'kprobe' && features.has('attach-cookie')),
    attachBtfId: described?.proto.id ?? 0,
    addresses: symbols.flatMap(({ address }) => address ?? []),
    arguments: {
      carrier,
      certain: false,
      rxSk: carrier.kind === 'sock' ? undefined : socket('sock'),
      owner: carrier.kind === 'xdp' ? socket('xdp_sock') : undefined,
      message: carrier.kind === 'sock' ? socket('msghdr') : undefined,
      bare: described !== undefined && canBeBare(carrier, described.proto.params),
    },
    direction: undefined,
    hasLocation: false,
    atData: false,
    destructor: undefined,
    returns: undefined,
  };
}

function carrierOf(
  spec: FunctionSpec,
  id: string,
  facts: FunctionFacts,
  kernel: FunctionKernel,
): Carrier {
  const { described } = facts;
  if (spec.argument !== undefined) {
    const btf = described?.btf ?? kernel.btf;
    const carrier = carrierAt(btf, described?.proto.params, spec.argument);
    if (typeof carrier !== 'string') return carrier;
    throw new UnsupportedError(`choosing hooks: ${id}: ${carrier}`, {
      hint: described === undefined ? undefined : `its arguments are ${signature(described)}`,
    });
  }
  if (described === undefined) throw cannotHook(spec, id, facts, kernel);
  const carrier = findCarrier(described.btf, described.proto.params);
  if (carrier !== undefined) return carrier;
  throw new UnsupportedError(
    `choosing hooks: ${id}: it has no argument that is a packet or a socket: ${signature(described)}`,
    { hint: 'xcap hooks lists what can be hooked; @N takes argument N as the packet' },
  );
}

export const NO_BACKEND = 'this kernel has neither fentry programs nor kprobes';
export const OTHER_HOOKS =
  'drop, consume, rx, tx and tracepoint:CATEGORY:NAME need neither fentry nor kprobes';

/** Whether functions can be hooked at all. */
export function hooksFunctions({ features }: Pick<FunctionKernel, 'features'>): boolean {
  return FUNCTION_ORDER.some((each) => features.has(each));
}

/**
 * For many at once: one program for all of them goes before one for each, which has to be verified; but
 * not where it would miss events that nobody counts.
 */
export function orderForMany({
  features,
}: Pick<FunctionKernel, 'features'>): readonly FunctionBackend[] {
  return features.has('kprobe-misses')
    ? ['kprobe-multi', 'kprobe', 'fentry']
    : ['kprobe-multi', 'fentry', 'kprobe'];
}

/** Cheapest first, for one function. */
const FUNCTION_ORDER: readonly FunctionBackend[] = ['fentry', 'kprobe-multi', 'kprobe'];

function chooseBackend(
  spec: FunctionSpec,
  id: string,
  found: FoundFunction,
  kernel: FunctionKernel,
  order: readonly FunctionBackend[],
): FunctionBackend {
  if (spec.backend === undefined) {
    const { backend, why = '' } = cheapestBackend(found, kernel, order);
    if (backend !== undefined) return backend;
    throw new UnsupportedError(`choosing hooks: ${id}: ${why}`, { hint: OTHER_HOOKS });
  }
  const why = whyNot(spec.backend, found, kernel);
  if (why === undefined) return spec.backend;
  throw new UnsupportedError(`choosing hooks: ${id}: ${spec.backend.replace('-', '.')}: ${why}`, {
    hint: 'leave the backend to xcap',
  });
}

/** What serves this function, or why nothing does: one of the two. */
export function cheapestBackend(
  found: FoundFunction,
  kernel: FunctionKernel,
  order = FUNCTION_ORDER,
): { readonly backend?: FunctionBackend; readonly why?: string | undefined } {
  if (!hooksFunctions(kernel)) return { why: NO_BACKEND };
  let why: string | undefined;
  for (const backend of order) {
    why = whyNot(backend, found, kernel);
    if (why === undefined) return { backend };
  }
  return { why };
}

/** Why a backend does not serve this function; undefined when it does. */
export function whyNot(
  backend: FunctionBackend,
  { described, symbols, carrier }: FoundFunction,
  kernel: FunctionKernel,
): string | undefined {
  const { features } = kernel;
  switch (backend) {
    case 'fentry':
      if (!features.has('fentry')) return 'this kernel has no fentry programs';
      if (described === undefined) return 'there are no types of it';
      // The kernel would take the first of that name.
      if (symbols.length > 1) return 'there are several functions of that name';
      if (!hasPlainArguments(described)) return 'its arguments are more than fentry programs take';
      if (!carrier.typed && !features.has('get-func-arg')) {
        return 'this kernel does not give fentry programs an argument of that type';
      }
      return undefined;
    case 'kprobe-multi':
      if (!features.has('kprobe-multi')) return 'this kernel has no kprobe.multi';
      if (symbols.some(({ address }) => address === undefined)) return 'its address is hidden';
      return inRegister(carrier, kernel);
    case 'kprobe':
      if (!features.has('kprobe')) return 'this kernel has no kprobes';
      return inRegister(carrier, kernel);
  }
}

function inRegister({ slot }: Carrier, { arch, registers }: FunctionKernel): string | undefined {
  if (registers === undefined) return `the registers of ${arch} are not known`;
  return slot < registers.argumentOffsets.length ? undefined : 'its packet is on the stack';
}

/** btf_distill_func_proto() and the trampolines of 5.10: six words at most, no structs, `...` never. */
function hasPlainArguments({ btf, proto }: DescribedFunction): boolean {
  if (proto.variadic || proto.params.length > 6) return false;
  const returned = btf.resolve(proto.returns.typeId);
  if (returned.kind === 'struct' || returned.kind === 'union') return false;
  return proto.params.every(({ typeId }) => {
    const { kind } = btf.resolve(typeId);
    return kind !== 'struct' && kind !== 'union';
  });
}
