import { emitRuleHeader } from '../abi/emit-rules.ts';
import {
  CALLBACK_PLACEHOLDER,
  HOOK_PLACEHOLDER,
  MAP_NAMES,
  MAP_PLACEHOLDER,
  PASSING_PLACES,
} from '../abi/maps.ts';
import type { Btf } from '../btf/btf.ts';
import type { ResolvedHook } from '../hooks/resolved.ts';
import { NFT_STRUCTS } from '../hooks/nft-expressions.ts';
import type { WatcherUnit } from '../hooks/rule-watcher.ts';
import type { RuleWatchers } from '../hooks/rule-watchers.ts';
import { compose } from './compose.ts';
import { unitKind } from './unit-kind.ts';
import { emitStructs } from './structs.ts';

export interface RuleInput {
  readonly watchers: RuleWatchers;
}

/** Of the kernel, in the texts that watch rules. */
const KERNEL = {
  sk_buff: ['len'],
  nf_hook_state: ['hook', 'pf', 'net'],
  net: ['ns.inum'],
  task_struct: ['nvcsw', 'nivcsw'],
} as const;

const XT_STRUCTS = {
  xt_table: ['private', 'name'],
  xt_table_info: ['size', 'hook_entry', 'underflow', 'entries'],
  xt_target: ['name'],
} as const;

const FATE_STRUCTS = {
  sk_buff: ['len'],
  tcf_proto: ['ops', 'prio', 'chain', 'root'],
  tcf_proto_ops: ['kind'],
  tcf_chain: ['index'],
  bpf_prog: ['aux'],
  bpf_prog_aux: ['id'],
  sock: ['sk_socket', 'sk_filter'],
  sk_filter: ['prog'],
  socket_alloc: ['vfs_inode.i_ino'],
} as const;

/** For the texts of hooks. */
export function ruleDefines(rules: RuleInput | undefined): [string, number][] {
  if (rules === undefined) return [['XCAP_RULES', 0]];
  return [
    ['XCAP_RULES', 1],
    ['XCAP_RULES_NFT', rules.watchers.nft === undefined ? 0 : 1],
    ['XCAP_PASSING', PASSING_PLACES],
  ];
}

export function ruleHeaders(rules: RuleInput | undefined): Record<string, string> {
  const nft = rules?.watchers.nft;
  return {
    'rule.gen.h': rules === undefined ? '' : emitRuleHeader(),
    // Read by probes only: the ids that casts go by are those of the kernel's own structures.
    'nft-kernel.gen.h':
      nft === undefined
        ? ''
        : emitStructs(nft, NFT_STRUCTS).replace(/^#define XCAP_BTF_ID.*\n/m, ''),
  };
}

/** The program behind a hook where packets are freed. */
export const endProgram = (hook: ResolvedHook): string =>
  `xcap_rules_end_${unitKind(hook).replaceAll('-', '_')}`;

/** Texts of the programs that watch rules. */
export function ruleUnits({
  btf,
  hooks,
  rules,
  readTemplate,
}: {
  readonly btf: Btf;
  readonly hooks: readonly ResolvedHook[];
  readonly rules?: RuleInput | undefined;
  readonly readTemplate: (path: string) => string;
}): readonly { readonly text: string; readonly functions: readonly string[] }[] {
  if (rules === undefined || rules.watchers.units.length === 0) return [];
  const headers = ruleHeaders(rules);
  const make = (
    template: string,
    functions: readonly string[],
    kernel: string,
    defines: readonly (readonly [string, string])[],
  ): { readonly text: string; readonly functions: readonly string[] } => ({
    text: compose({
      entries: [template],
      generated: { 'config.gen.h': config(defines), 'kernel.gen.h': kernel, ...headers },
      readTemplate,
    }),
    functions,
  });
  const ends = new Map(hooks.filter(freesPackets).map((hook) => [endProgram(hook), hook]));
  return [
    ...rules.watchers.units.map((unit) =>
      make(unit.template, unit.functions, emitStructs(unit.btf, structsOf(unit)), [
        ...unit.defines,
        ...renames(unit),
      ]),
    ),
    ...[...ends].map(
      ([
        name,
        {
          arguments: { carrier },
        },
      ]) =>
        make('rules-end.bpf.c', [name], emitStructs(btf, {}), [
          ['XCAP_SKB_SLOT', String(carrier.slot)],
          ['xcap_rules_end', name],
        ]),
    ),
  ];
}

/** Tracepoints whose packets are at their end. */
export const freesPackets = (hook: ResolvedHook): boolean =>
  hook.hasLocation && (hook.backend === 'tp-btf' || hook.backend === 'raw-tp');

function structsOf({ template }: WatcherUnit): Readonly<Record<string, readonly string[]>> {
  switch (template) {
    case 'xt-rules.bpf.c':
      return { ...KERNEL, ...XT_STRUCTS };
    case 'fate-rules.bpf.c':
      return FATE_STRUCTS;
    case 'call-rules.bpf.c':
      return { ...KERNEL, ...FATE_STRUCTS };
    default:
      return KERNEL;
  }
}

/** The template's functions, under the names of this copy. */
function renames({ template, prefix, functions }: WatcherUnit): [string, string][] {
  if (template !== 'xt-rules.bpf.c') return [];
  return functions.map((name) => [`xcap_xt${name.slice(prefix.length)}`, name]);
}

function config(defines: readonly (readonly [string, string])[]): string {
  const all: (readonly [string, string | number])[] = [
    ['XCAP_TYPED', 0],
    ['XCAP_TASK_BY_PROBE', 0],
    ['XCAP_MAP_PLACEHOLDER', MAP_PLACEHOLDER],
    ['XCAP_CALLBACK_PLACEHOLDER', CALLBACK_PLACEHOLDER],
    ['XCAP_HOOK_PLACEHOLDER', HOOK_PLACEHOLDER],
    ...MAP_NAMES.map((name, i): [string, number] => [`XCAP_MAP_${name.toUpperCase()}`, i]),
    ['XCAP_PASSING', PASSING_PLACES],
    ...defines,
  ];
  return `${all.map(([name, value]) => `#define ${name} ${value}`).join('\n')}\n`;
}
