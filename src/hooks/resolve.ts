import { UnsupportedError, UsageError, XcapError } from '../errors.ts';
import type { FileReader } from '../kernel/reader.ts';
import { eventCategories } from '../kernel/trace-events.ts';
import { canBeBare, findCarrier, socketSlot } from './carrier.ts';
import { resolveProgram } from './bpf-program.ts';
import { orderForMany, resolveFunction } from './function.ts';
import { resolveReturn } from './function-return.ts';
import { resolvePattern } from './pattern.ts';
import { locateFunctions, type FunctionCode, type FunctionKernel } from './function-facts.ts';
import { isRemembered, keepHooks, recallHooks } from './function-memory.ts';
import { parseHooks, patternMatcher } from './parse.ts';
import { describeAttachPoint, type HookArguments, type ResolvedHook } from './resolved.ts';
import {
  MOST_HOOKS,
  type ExtraArgument,
  type FunctionBackend,
  type FunctionPlace,
  type HookSpec,
  type LogicalHook,
} from './spec.ts';
import { resolveDescriptors } from './xsk-descriptors.ts';
import { pairXdpHooks, resolveXdp, type XdpSurroundings } from './xdp.ts';
import { resolveXdpMap, type ReadHookMap } from './xdp-map.ts';
import {
  findTracepoint,
  noCarrier,
  noTracepoint,
  tracepointBackend,
  type Tracepoint,
} from './tracepoint.ts';

type Locate = (name: string) => FunctionCode;

/** The kernel that hooks are resolved for. */
export type HookKernel = FunctionKernel;

export interface ResolveOptions {
  readonly reader: FileReader;
  /** Take the better form where it cannot be tried for want of privileges: a dry run. */
  readonly assumeAble: boolean;
  /** --backend, for functions that are named without a prefix. */
  readonly backend: FunctionBackend | undefined;
  /** --exclude: functions that no pattern stands for. */
  readonly exclude: readonly string[];
  /** --max-hooks; undefined leaves the number to what the kernel does in passable time. */
  readonly maxHooks: number | undefined;
  /** Undefined where no XDP program can be looked up. */
  readonly xdp?: XdpSurroundings;
  /** What a pinned map is; undefined where no hook map can be looked at. */
  readonly readHookMap?: ReadHookMap;
  /** --actions: of hook maps; undefined takes all. */
  readonly xdpActions?: readonly number[] | undefined;
  /** Each action of a hook map is a hook by itself. */
  readonly hookPerAction?: boolean;
  /** --partial: told what cannot be hooked, and why; undefined stops at the first. */
  readonly skip: ((error: XcapError) => void) | undefined;
  /** Told what a profile stands for on this kernel, and what it left out. */
  readonly explain?: ((line: string) => void) | undefined;
}

/**
 * The attach points of all specs, in their order, each function once: what is named itself goes
 * before what a pattern finds.
 *
 * @throws UsageError, UnsupportedError
 */
export function resolveHooks(
  specs: readonly HookSpec[],
  kernel: HookKernel,
  options: ResolveOptions,
): readonly ResolvedHook[] {
  const named = new Set(
    specs.flatMap((spec) => (spec.kind === 'function' ? [spec.id, spec.name] : [spec.id])),
  );
  const many = specs.filter(({ kind }) => kind === 'function').length > FEW_FUNCTIONS;
  const { backend, exclude } = options;
  const remembered = specs.filter(isRemembered);
  const memory = remembered.length > 0 ? kernel.memory : undefined;
  const question = JSON.stringify([remembered, backend, exclude, many]);
  const known = memory && recallHooks(memory, question, remembered);
  const unknown = specs.filter((spec) => known?.has(spec) !== true);
  const locate = locateFunctions(kernel, new Set(unknown.flatMap(symbolNames)));
  const order =
    many && unknown.some(({ kind }) => kind === 'function') ? orderForMany(kernel) : undefined;
  const resolved = new Map(known);
  const found: ResolvedHook[] = [];
  for (const spec of specs) {
    try {
      const hooks = known?.get(spec) ?? resolveHook(spec, kernel, { ...options, order }, locate);
      resolved.set(spec, hooks);
      for (const hook of hooks) {
        if (hook.pattern !== undefined && named.has(hook.id)) continue;
        if (hook.pattern !== undefined) named.add(hook.id);
        found.push(hook);
      }
    } catch (error) {
      if (options.skip === undefined || !(error instanceof XcapError)) throw error;
      options.skip(error);
    }
  }
  if (found.length === 0) {
    throw new UnsupportedError('choosing hooks: none of them can be hooked');
  }
  limitHooks(found, options.maxHooks);
  const complete = remembered.every((spec) => resolved.has(spec));
  if (memory !== undefined && known === undefined && complete) {
    keepHooks(memory, question, remembered, resolved);
  }
  return pairXdpHooks(found);
}

/** More that are named one by one are hooked as those of a pattern. */
const FEW_FUNCTIONS = 16;

/** What a spec looks for in kallsyms. */
function symbolNames(spec: HookSpec): readonly string[] {
  if (spec.kind === 'function') return [spec.name];
  if (spec.kind === 'profile') return spec.members.flatMap(symbolNames);
  if (spec.kind !== 'logical' || spec.hook.at.kind !== 'function') return [];
  const { functions, destructor, descriptors } = spec.hook.at;
  return [...functions, destructor ?? [], Object.values(descriptors ?? {})].flat();
}

/** Attached one by one, each costs some 5 ms to attach and up to 20 ms to detach: kernel-wide locks. */
const ONE_BY_ONE_MAX = 200;

function limitHooks(hooks: readonly ResolvedHook[], maxHooks: number | undefined): void {
  if (hooks.length > MOST_HOOKS) {
    throw new UsageError(`choosing hooks: ${hooks.length} hooks: at most ${MOST_HOOKS} in one run`);
  }
  const single = hooks.filter(({ backend }) => backend !== 'kprobe-multi').length;
  if (maxHooks !== undefined && hooks.length > maxHooks) {
    throw new UsageError(
      `choosing hooks: ${hooks.length} hooks are more than --max-hooks ${maxHooks}`,
      {
        hint: `name fewer, or leave some out: --exclude 'PATTERN'`,
      },
    );
  }
  if (maxHooks === undefined && single > ONE_BY_ONE_MAX) {
    throw new UsageError(
      `choosing hooks: ${single} functions, and this kernel attaches them one by one: at most ${ONE_BY_ONE_MAX}`,
      {
        hint: `name fewer, leave some out by --exclude 'PATTERN', or take the time: --max-hooks ${hooks.length}`,
      },
    );
  }
}

interface ResolveAll extends ResolveOptions {
  /** Of the backends for functions that are named; undefined: the cheapest for one first. */
  readonly order: readonly FunctionBackend[] | undefined;
}

function resolveHook(
  spec: HookSpec,
  kernel: HookKernel,
  options: ResolveAll,
  locate: Locate,
): readonly ResolvedHook[] {
  if (spec.kind === 'functions') {
    return resolvePattern(
      { ...spec, backend: spec.backend ?? options.backend },
      kernel,
      options.exclude,
    );
  }
  if (spec.kind === 'profile') return resolveProfile(spec, kernel, options, locate);
  if (spec.kind === 'xdp' || spec.kind === 'bpf') {
    if (options.xdp === undefined) throw new RangeError('nothing knows BPF programs');
    return spec.kind === 'xdp'
      ? resolveXdp(spec, kernel, options.xdp)
      : [resolveProgram(spec, kernel, options.xdp.programs)];
  }
  if (spec.kind === 'xdp-map') {
    if (options.readHookMap === undefined) throw new RangeError('nothing reads hook maps');
    return resolveXdpMap(spec, options.readHookMap(spec.path), options);
  }
  if (spec.kind === 'logical' && spec.hook.at.kind === 'function') {
    return resolveLogicalFunctions(spec.hook, spec.hook.at, kernel, options, locate);
  }
  if (spec.kind === 'function' && spec.returns) return resolveReturn(spec, spec.id, kernel, locate);
  return [resolveOne(spec, kernel, options, locate)];
}

/** By those of its members that the kernel has. @throws what the first of them says if it has none */
function resolveProfile(
  { id, members }: Extract<HookSpec, { kind: 'profile' }>,
  kernel: HookKernel,
  options: ResolveAll,
  locate: Locate,
): readonly ResolvedHook[] {
  const excluded = options.exclude.map(patternMatcher);
  const errors: XcapError[] = [];
  const found = members
    .filter((member) => !excluded.some((matches) => matches(member.id)))
    .flatMap((member): readonly ResolvedHook[] => {
      try {
        return resolveHook(member, kernel, options, locate);
      } catch (error) {
        if (!(error instanceof XcapError)) throw error;
        errors.push(error);
        return [];
      }
    });
  const [first] = errors;
  if (found.length === 0 && first !== undefined) throw first;
  const chosen = found.map((hook) => `${hook.id} (${describeAttachPoint(hook)})`);
  options.explain?.(`${id}: ${chosen.join(', ')}`);
  for (const { message } of errors) options.explain?.(`${id}: ${message}: left out`);
  return found.map((hook) => ({ ...hook, pattern: id }));
}

/** By those of the functions that the kernel has. @throws what the first of them says if it has none */
function resolveLogicalFunctions(
  { id, subject, direction }: LogicalHook,
  { functions, atData, destructor, descriptors }: FunctionPlace,
  kernel: HookKernel,
  { backend }: ResolveOptions,
  locate: Locate,
): readonly ResolvedHook[] {
  const errors: XcapError[] = [];
  const only = destructor === undefined ? undefined : locate(destructor).symbols[0]?.address;
  const found = functions.flatMap((name): ResolvedHook[] => {
    try {
      const spec = { name, backend, argument: undefined, returns: false };
      const hook = resolveFunction(spec, id, kernel, locate);
      return [{ ...hook, subject, direction, atData, destructor: only }];
    } catch (error) {
      if (!(error instanceof XcapError)) throw error;
      errors.push(error);
      return [];
    }
  });
  const [first] = errors;
  if (found.length === 0 && first !== undefined) throw first;
  const zeroCopy = descriptors === undefined ? [] : resolveDescriptors(descriptors, kernel, locate);
  return [
    ...found,
    ...zeroCopy.map((at) => ({ ...at, id, pattern: undefined, subject, direction })),
  ];
}

function resolveOne(
  spec: Exclude<HookSpec, { kind: 'functions' | 'profile' | 'xdp' | 'xdp-map' | 'bpf' }>,
  kernel: HookKernel,
  options: ResolveAll,
  locate: Locate,
): ResolvedHook {
  switch (spec.kind) {
    case 'logical': {
      const { subject, direction, at } = spec.hook;
      if (at.kind !== 'tracepoint') throw new RangeError(`${spec.id} is no tracepoint`);
      const { category, tracepoint, extras, hasLocation } = at;
      const place = `${category}:${tracepoint}`;
      const found = findTracepoint(kernel, tracepoint);
      if (found === undefined) {
        throw new UnsupportedError(
          `hooking ${spec.id}: tracepoint ${place}: not in this kernel's BTF`,
        );
      }
      const doing = `hooking ${spec.id}: tracepoint ${place}`;
      const args = tracepointArguments(found, category, extras, doing);
      if (args === undefined) throw noCarrier(spec.id, found.params);
      return {
        ...attachedAt(found, place, tracepoint, kernel, options),
        ...{ id: spec.id, pattern: undefined, subject, arguments: args, direction, hasLocation },
        ...{ atData: false, destructor: undefined, returns: undefined },
      };
    }
    case 'tracepoint': {
      const { id, category, name } = spec;
      const place = `${category}:${name}`;
      const found = findTracepoint(kernel, name);
      const categories = eventCategories(options.reader, name);
      // Where tracefs cannot be seen the category is taken as given: the name alone is unique.
      if (found === undefined || (categories.length > 0 && !categories.includes(category))) {
        throw noTracepoint(kernel, options.reader, id, category, name);
      }
      const args = tracepointArguments(found, category, undefined, place);
      if (args === undefined) throw noCarrier(id, found.params);
      return {
        ...attachedAt(found, place, name, kernel, options),
        ...{ id, pattern: undefined, subject: undefined, arguments: args },
        ...{ direction: undefined, hasLocation: false, atData: false },
        ...{ destructor: undefined, returns: undefined },
      };
    }
    case 'function': {
      const backend = spec.backend ?? options.backend;
      return resolveFunction({ ...spec, backend }, spec.id, kernel, locate, options.order);
    }
  }
}

function attachedAt(
  { attachBtfId, module }: Tracepoint,
  place: string,
  target: string,
  { features }: HookKernel,
  { assumeAble }: ResolveOptions,
): Pick<
  ResolvedHook,
  'backend' | 'target' | 'place' | 'module' | 'attachBtfId' | 'cookie' | 'addresses'
> {
  const backend = tracepointBackend(features, assumeAble);
  return { backend, target, place, module, attachBtfId, cookie: false, addresses: [] };
}

/** @param extras of a logical hook, whose packet is always there */
function tracepointArguments(
  { btf, params }: Tracepoint,
  category: string,
  extras: readonly ExtraArgument[] | undefined,
  doing: string,
): HookArguments | undefined {
  const carrier = findCarrier(btf, params);
  if (carrier === undefined) return undefined;
  const slots = new Map<string, number>();
  for (const { role, name, optional } of extras ?? []) {
    const index = params.findIndex((param) => param.name === name);
    if (index >= 0) slots.set(role, index);
    else if (!optional) throw new UnsupportedError(`${doing}: has no argument ${name}`);
  }
  return {
    carrier,
    certain: extras !== undefined,
    location: slots.get('location'),
    reason: slots.get('reason'),
    rxSk:
      slots.get('rxSk') ?? (carrier.kind === 'sock' ? undefined : socketSlot(btf, params, 'sock')),
    message: carrier.kind === 'sock' ? socketSlot(btf, params, 'msghdr') : undefined,
    // Those of include/trace/events/net.h are at devices, though the packet may be all that they have.
    bare: category !== 'net' && canBeBare(carrier, params),
  };
}

/** The place of a hook among those of a run. @throws UsageError when it is not among them */
export function hookIndex(ids: readonly string[], name: string): number {
  const [spec] = parseHooks([name]);
  const index = ids.findIndex((id) => id === spec?.id);
  if (index >= 0) return index;
  throw new UsageError(`choosing hooks: ${name}: not traced in this run`, {
    hint: `hooks of this run are ${ids.join(', ')}; --hook chooses them`,
  });
}
