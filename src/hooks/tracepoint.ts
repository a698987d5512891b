import type { Btf } from '../btf/btf.ts';
import { funcProto, typedefId, type BtfArgument } from '../btf/functions.ts';
import { UnsupportedError, UsageError } from '../errors.ts';
import { eventCategories } from '../kernel/trace-events.ts';
import type { FileReader } from '../kernel/reader.ts';
import type { ModuleBtfs } from '../kernel/module-btfs.ts';
import type { KernelView } from '../kernel/view.ts';
import { nearest } from '../util/nearest.ts';
import { allBtfs } from './all-btfs.ts';
import { findCarrier } from './carrier.ts';
import type { Carrier } from './resolved.ts';

/** A tracepoint as BTF describes it. */
export interface Tracepoint {
  readonly btf: Btf;
  /** Module that defines it; undefined for the kernel itself. */
  readonly module: string | undefined;
  /** BTF id of `btf_trace_NAME`, what a BTF-typed program attaches to. */
  readonly attachBtfId: number;
  /** Without the `__data` that the kernel puts in front. */
  readonly params: readonly BtfArgument[];
}

/** Where tracepoints are looked for. */
export interface TracepointKernel {
  readonly btf: Btf;
  readonly modules: Pick<ModuleBtfs, 'names' | 'get'>;
}

/** The tracepoint of that name, the kernel's own or a loaded module's. */
export function findTracepoint(kernel: TracepointKernel, name: string): Tracepoint | undefined {
  for (const [btf, module] of allBtfs(kernel)) {
    const found = tracepointIn(btf, module, name);
    if (found !== undefined) return found;
  }
  return undefined;
}

function tracepointIn(btf: Btf, module: string | undefined, name: string): Tracepoint | undefined {
  // __traceiter_NAME(void *__data, ...) has the parameters' names; btf_trace_NAME only their types.
  const prototype = funcProto(btf, `__traceiter_${name}`);
  const attachBtfId = typedefId(btf, `btf_trace_${name}`);
  if (prototype === undefined || attachBtfId === undefined) return undefined;
  return { btf, module, attachBtfId, params: prototype.params.slice(1) };
}

/**
 * Says why a tracepoint that the user named is not to be hooked.
 *
 * @returns the error to throw
 */
export function noTracepoint(
  kernel: TracepointKernel,
  reader: FileReader,
  typed: string,
  category: string,
  name: string,
): UsageError {
  const elsewhere = eventCategories(reader, name).filter((each) => each !== category);
  if (elsewhere.length > 0) {
    return new UsageError(`choosing hooks: ${typed}: no such tracepoint in ${category}`, {
      hint: `did you mean ${elsewhere.map((each) => `tracepoint:${each}:${name}`).join(' or ')}?`,
    });
  }
  const close = nearest(
    name,
    [...packetTracepoints(kernel)].map((each) => each.name),
  );
  return new UsageError(`choosing hooks: ${typed}: this kernel has no such tracepoint`, {
    hint:
      close.length > 0
        ? `did you mean ${close.join(' or ')}?`
        : "xcap hooks 'tracepoint:*' lists those that have a packet or a socket",
  });
}

const TRACEITER = '__traceiter_';

/** BTF-typed where the kernel has that. @param assumeAble and where it could not be tried */
export function tracepointBackend(
  features: Pick<KernelView['features'], 'get'>,
  assumeAble: boolean,
): 'tp-btf' | 'raw-tp' {
  const answer = features.get('tp-btf');
  return answer === 'yes' || (assumeAble && typeof answer === 'object') ? 'tp-btf' : 'raw-tp';
}

/** A tracepoint that has a packet or a socket. */
export interface PacketTracepoint {
  readonly name: string;
  readonly carrier: Carrier;
}

/** Those of the kernel and of loaded modules. */
export function* packetTracepoints(kernel: TracepointKernel): Generator<PacketTracepoint> {
  for (const [btf, module] of allBtfs(kernel)) {
    for (const id of btf.idsOfKind('func')) {
      const iterator = btf.name(id);
      if (!iterator.startsWith(TRACEITER)) continue;
      const name = iterator.slice(TRACEITER.length);
      const found = tracepointIn(btf, module, name);
      const carrier = found && findCarrier(btf, found.params);
      if (carrier !== undefined) yield { name, carrier };
    }
  }
}

/** A tracepoint without packet or socket cannot be traced here. */
export function noCarrier(typed: string, params: readonly BtfArgument[]): UnsupportedError {
  const names = params.map(({ name }) => name).join(', ');
  return new UnsupportedError(
    `choosing hooks: ${typed}: it has no argument that is a packet or a socket: (${names})`,
    { hint: 'xcap hooks lists what can be hooked' },
  );
}
