import { emitEventHeader } from '../abi/emit-c.ts';
import { MAP_NAMES, MAP_PLACEHOLDER, NESTING_LEVELS } from '../abi/maps.ts';
import type { Btf } from '../btf/btf.ts';
import type { FilterPair } from '../filter/compile-expression.ts';
import type { ResolvedHook } from '../hooks/spec.ts';
import type { ContextSource } from '../kernel/context-source.ts';
import { compose } from './compose.ts';
import { emitMetadataHeader, type MetadataMatches } from './metadata.ts';
import { emitStructs } from './structs.ts';
import { KERNEL_STRUCTS } from './kernel-structs.ts';

/** The programs are loaded as this: GPL-compatible, as the tracing helpers demand. */
export const PROGRAM_LICENSE = 'Dual MIT/GPL';

export interface ProgramInput {
  readonly btf: Btf;
  readonly hooks: readonly ResolvedHook[];
  readonly filter: FilterPair | undefined;
  readonly metadata: MetadataMatches;
  readonly context: ContextSource;
  /** Most bytes captured of one packet. */
  readonly captureMax: number;
  /** The verifier accepts stack reads at variable offsets (5.12). */
  readonly varStackRead: boolean;
  readonly readTemplate: (path: string) => string;
}

export interface ProgramSource {
  readonly text: string;
  /** Functions to load, in the order of the hooks. */
  readonly functions: readonly string[];
}

const flag = (on: boolean): number => (on ? 1 : 0);

function configHeader(input: ProgramInput): string {
  const { context, hooks } = input;
  const defines: [string, number][] = [
    ['XCAP_TYPED', flag(hooks.every((hook) => hook.mode === 'btf-typed'))],
    ['XCAP_MAP_PLACEHOLDER', MAP_PLACEHOLDER],
    ...MAP_NAMES.map((name, i): [string, number] => [`XCAP_MAP_${name.toUpperCase()}`, i]),
    ['XCAP_LEVELS', NESTING_LEVELS],
    ['XCAP_CAPTURE_MAX', input.captureMax],
    ['XCAP_VAR_STACK', flag(input.varStackRead)],
    ['XCAP_PREEMPT_COUNT_ID', context.kind === 'preempt-count' ? context.btfId : 0],
    ['XCAP_PREEMPT_COUNT_OFFSET', context.kind === 'preempt-count' ? context.offset : 0],
    ['XCAP_TASK_STACK_OFFSET', context.kind === 'task-stack' ? context.offset : 0],
    ...hooks.flatMap((hook, i): [string, number][] => [
      [hook.spec.indexDefine, i],
      ...Object.entries(hook.argumentIndexes),
    ]),
  ];
  return defines.map(([name, value]) => `#define ${name} ${value}`).join('\n') + '\n';
}

function filterHeader(filter: FilterPair | undefined): string {
  if (filter === undefined) return '#define XCAP_FILTER 0\n';
  const functions = [filter.l2, ...(filter.l3 === undefined ? [] : [filter.l3])];
  return [
    '#define XCAP_FILTER 1',
    `#define XCAP_FILTER_L3 ${flag(filter.l3 !== undefined)}`,
    `#define XCAP_FILTER_WINDOW ${Math.max(8, ...functions.map((f) => f.windowBytes))}`,
    '',
    ...functions.map((f) => f.text),
  ].join('\n');
}

/** The whole C text of a capture: pure, the same input gives the same text. */
export function generateProgram(input: ProgramInput): ProgramSource {
  return {
    text: compose({
      entries: input.hooks.map((hook) => hook.spec.template),
      generated: {
        'config.gen.h': configHeader(input),
        'kernel.gen.h': emitStructs(input.btf, KERNEL_STRUCTS),
        'events.gen.h': emitEventHeader(),
        'metadata.gen.h': emitMetadataHeader(input.metadata),
        'filter.gen.h': filterHeader(input.filter),
      },
      readTemplate: input.readTemplate,
    }),
    functions: input.hooks.map((hook) => hook.spec.program),
  };
}
