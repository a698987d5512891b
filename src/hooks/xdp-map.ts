import { UnsupportedError, UsageError } from '../errors.ts';
import { BPF_PROG_TYPE } from '../kernel/bpf-programs.ts';
import type { HookMapFacts } from '../kernel/hook-map-facts.ts';
import type { ResolvedHook } from './resolved.ts';
import { XDP_ACTIONS, xdpActionName } from './xdp-actions.ts';

/** Reads what a pinned map is. @throws UsageError when there is none */
export type ReadHookMap = (path: string) => HookMapFacts;

/** Programs tail-call into the map with their verdict: each action is an attach point of one hook. */
export interface XdpMapSpec {
  readonly id: string;
  readonly path: string;
}

/** enum bpf_map_type, include/uapi/linux/bpf.h. */
const PROG_ARRAY = 3;
const MAP_TYPES: Readonly<Record<number, string>> = { 1: 'hash', 2: 'array', 6: 'per-CPU array' };

interface XdpMapOptions {
  /** Those of --actions, in their order; undefined: all that the map has. */
  readonly xdpActions?: readonly number[] | undefined;
  /** Each action is a hook by itself, named as xdpcap names it. */
  readonly hookPerAction?: boolean;
}

/**
 * @throws UsageError, UnsupportedError for a map that is no hook
 */
export function resolveXdpMap(
  { id, path }: XdpMapSpec,
  facts: HookMapFacts,
  { xdpActions: actions, hookPerAction = false }: XdpMapOptions,
): readonly ResolvedHook[] {
  checkMap(id, facts);
  const { maxEntries } = facts;
  const outside = actions?.find((action) => action >= maxEntries);
  if (outside !== undefined) {
    throw new UsageError(`choosing actions: ${xdpActionName(outside)}: ${id} has no entry for it`, {
      hint: `it has ${Array.from({ length: Math.min(maxEntries, 8) }, (_, i) => xdpActionName(i)).join(', ')}`,
    });
  }
  if (actions === undefined && maxEntries > XDP_ACTIONS.length) {
    // Somebody's tail-call table, perhaps: what is put in there would be run for what it is not.
    throw new UnsupportedError(
      `hooking ${id}: ${maxEntries} entries: a hook has ${XDP_ACTIONS.length}, or ${XDP_ACTIONS.length - 1} without redirect`,
      { hint: 'if it is one all the same, name its entries: --actions drop,pass' },
    );
  }
  const all = actions ?? Array.from({ length: maxEntries }, (_, action) => action);
  return [...new Set(all)].map((action) =>
    xdpMapHook(hookPerAction ? xdpcapName(action) : id, path, action),
  );
}

function checkMap(id: string, { type, keySize, valueSize, ownerType }: HookMapFacts): void {
  if (type !== PROG_ARRAY || keySize !== 4 || valueSize !== 4) {
    const what = MAP_TYPES[type] ?? (type === PROG_ARRAY ? 'program array' : `type ${type}`);
    throw new UnsupportedError(
      `hooking ${id}: it is a map of ${what}, keys of ${keySize} bytes, values of ${valueSize}: a hook is a program array with 4 and 4`,
      {
        hint: 'declare it as BPF_MAP_TYPE_PROG_ARRAY: XCAP_HOOK_MAP(NAME) of templates/xcap_hook.h, with bcc BPF_PROG_ARRAY(NAME, 5)',
      },
    );
  }
  if (ownerType === undefined) {
    // The first program that comes near a program array decides which others it takes.
    throw new UnsupportedError(`hooking ${id}: no program uses this map yet`, {
      hint: 'load the XDP program that calls into it first',
    });
  }
  if (ownerType !== BPF_PROG_TYPE.xdp) {
    throw new UnsupportedError(
      `hooking ${id}: its programs are of type ${ownerType}, not XDP programs`,
    );
  }
}

/** Names of xdpcap's interfaces. */
function xdpcapName(action: number): string {
  return `XDP${XDP_ACTIONS[action] ?? `xdpAction(${action})`}`;
}

function xdpMapHook(id: string, path: string, action: number): ResolvedHook {
  return {
    id,
    pattern: undefined,
    subject: 'XDP verdicts',
    backend: 'xdp',
    target: path,
    place: path,
    module: undefined,
    attachBtfId: 0,
    cookie: false,
    addresses: [],
    arguments: {
      carrier: {
        ...{ kind: 'xdp', slot: 0, typed: false, number: 1, name: 'ctx' },
        ...{ offset: 0, struct: 'xdp_buff' },
      },
      certain: true,
    },
    direction: 'inbound',
    hasLocation: false,
    atData: true,
    destructor: undefined,
    returns: { kind: 'verdict', by: 'xdp' },
    verdict: action,
  };
}
