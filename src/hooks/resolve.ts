import { UnsupportedError, UsageError } from '../errors.ts';
import type { KernelView } from '../kernel/view.ts';
import type { FileReader } from '../kernel/reader.ts';
import { eventCategories } from '../kernel/trace-events.ts';
import { findCarrier } from './carrier.ts';
import { parseHooks } from './parse.ts';
import type { HookArguments, ResolvedHook } from './resolved.ts';
import type { ExtraArgument, HookSpec } from './spec.ts';
import { findTracepoint, noCarrier, noTracepoint, type Tracepoint } from './tracepoint.ts';

/** The kernel that hooks are resolved for. */
export type HookKernel = Pick<KernelView, 'btf' | 'modules' | 'features'>;

export interface ResolveOptions {
  readonly reader: FileReader;
  /** Take the better form where it cannot be tried for want of privileges: a dry run. */
  readonly assumeAble: boolean;
}

/** The attach points of all specs, in their order. @throws UsageError, UnsupportedError */
export function resolveHooks(
  specs: readonly HookSpec[],
  kernel: HookKernel,
  options: ResolveOptions,
): readonly ResolvedHook[] {
  return specs.map((spec) => resolveHook(spec, kernel, options));
}

function resolveHook(spec: HookSpec, kernel: HookKernel, options: ResolveOptions): ResolvedHook {
  switch (spec.kind) {
    case 'logical': {
      const { category, tracepoint, extras, subject, direction, hasLocation } = spec.hook;
      const place = `${category}:${tracepoint}`;
      const found = findTracepoint(kernel, tracepoint);
      if (found === undefined) {
        throw new UnsupportedError(
          `hooking ${spec.id}: tracepoint ${place}: not in this kernel's BTF`,
        );
      }
      const args = tracepointArguments(found, extras, `hooking ${spec.id}: tracepoint ${place}`);
      if (args === undefined) throw noCarrier(spec.id, found.params);
      return {
        ...attachedAt(found, place, tracepoint, kernel, options),
        ...{ id: spec.id, subject, arguments: args, direction, hasLocation },
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
      const args = tracepointArguments(found, undefined, place);
      if (args === undefined) throw noCarrier(id, found.params);
      return {
        ...attachedAt(found, place, name, kernel, options),
        ...{ id, subject: undefined, arguments: args, direction: undefined, hasLocation: false },
      };
    }
  }
}

function attachedAt(
  { attachBtfId, module }: Tracepoint,
  place: string,
  target: string,
  { features }: HookKernel,
  { assumeAble }: ResolveOptions,
): Pick<ResolvedHook, 'backend' | 'target' | 'place' | 'module' | 'attachBtfId'> {
  const answer = features.get('tp-btf');
  const typed = answer === 'yes' || (assumeAble && typeof answer === 'object');
  return { backend: typed ? 'tp-btf' : 'raw-tp', target, place, module, attachBtfId };
}

/** @param extras of a logical hook, whose packet is always there */
function tracepointArguments(
  { btf, params }: Tracepoint,
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
    rxSk: slots.get('rxSk'),
  };
}

/** The place of a hook among those of a run. @throws UsageError when it is not among them */
export function hookIndex(hooks: readonly { readonly id: string }[], name: string): number {
  const [spec] = parseHooks([name]);
  const index = hooks.findIndex(({ id }) => id === spec?.id);
  if (index >= 0) return index;
  throw new UsageError(`choosing hooks: ${name}: not traced in this run`, {
    hint: `hooks of this run are ${hooks.map(({ id }) => id).join(', ')}; --hook chooses them`,
  });
}
