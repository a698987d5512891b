import { emitEventHeader } from '../abi/emit-c.ts';
import { emitTopHeader } from '../abi/emit-top.ts';
import type { ResolvedHook } from '../hooks/resolved.ts';
import type { WhereProgram } from '../where/compile-where.ts';
import { compose } from './compose.ts';
import { configHeader } from './config.ts';
import { flag } from './flag.ts';
import { filterHeader, innerHeader } from './filter-headers.ts';
import { emitHookFunctions, hasDescriptors, seesBare } from './hooks.ts';
import { unitKind } from './unit-kind.ts';
import { emitMetadataHeader } from './metadata.ts';
import { emitStructs } from './structs.ts';
import {
  KERNEL_STRUCTS,
  SYNTH_STRUCTS,
  TRACK_STRUCTS,
  XDP_RUN_STRUCTS,
  XSK_STRUCTS,
} from './kernel-structs.ts';
import { mergeWants } from './merge-wants.ts';
import type { ProgramInput } from './program-input.ts';
import { ruleHeaders, ruleUnits } from './rules.ts';
import { RunValues, type ValueOf } from './run-values.ts';
import { userHeaders } from './user-headers.ts';
import { hasWho, watchersOf, WHO_STRUCTS, type Watcher } from './who.ts';

/** The programs are loaded as this: GPL-compatible, as the tracing helpers demand. */
export const PROGRAM_LICENSE = 'Dual MIT/GPL';

/** One C text: programs that get at the kernel's memory in the same way. */
export interface ProgramUnit {
  readonly text: string;
  readonly functions: readonly string[];
}

export interface ProgramSource {
  readonly units: readonly ProgramUnit[];
  /** By hook, the function that it is loaded from: a name is in one unit only. */
  readonly functionOf: readonly string[];
  /** What is attached beside the hooks. */
  readonly watchers: readonly Watcher[];
  /** What XCAP_VALUE(i) stands for in this run. */
  readonly values: readonly bigint[];
}

/** The numbers of its names are numbers of the run. */
function whereHeader({ header, values }: WhereProgram, valueOf: ValueOf): string {
  const names = values.map((value, i) => `#define XCAP_WHERE_VALUE_${i} ${valueOf(value)}\n`);
  return `${names.join('')}${header}`;
}

/** The C of a capture, one text for each kind of hook: pure, the same input gives the same text. */
export function generateProgram(input: ProgramInput): ProgramSource {
  const kinds = [...new Set(input.hooks.map(unitKind))];
  const functionOf = new Map<ResolvedHook, string>();
  const values = new RunValues();
  const structs = [
    KERNEL_STRUCTS,
    ...(input.hooks.some(({ xdp }) => xdp !== undefined) ? [XDP_RUN_STRUCTS] : []),
    ...(hasDescriptors(input.hooks) ? [XSK_STRUCTS] : []),
    ...(input.hooks.some(seesBare) ? [SYNTH_STRUCTS] : []),
    ...(input.track === undefined ? [] : [TRACK_STRUCTS]),
    ...(hasWho(input.who) || input.who.follow ? [WHO_STRUCTS] : []),
  ].reduce(mergeWants);
  const shared = {
    'kernel.gen.h': emitStructs(
      input.btf,
      mergeWants(mergeWants(structs, input.where.structs), input.userC.wants),
    ),
    'events.gen.h': emitEventHeader(),
    'top.gen.h': emitTopHeader(input.top),
    'metadata.gen.h': emitMetadataHeader(input.metadata, values.of, input.who),
    'sample.gen.h': [
      `#define XCAP_SKIPS ${flag(input.skips)}`,
      `#define XCAP_SAMPLE ${flag(input.sample !== undefined)}`,
      ...(input.sample === undefined ? [] : [`#define XCAP_SAMPLE_OF ${values.of(input.sample)}`]),
      '',
    ].join('\n'),
    'where.gen.h': whereHeader(input.where, values.of),
    'filter.gen.h': filterHeader(input.filter),
    ...userHeaders(input.userC),
    'inner.gen.h': innerHeader(input.inner),
    ...ruleHeaders(input.rules),
  };
  const units = kinds.map((kind): ProgramUnit => {
    const hooks = input.hooks.filter((hook) => unitKind(hook) === kind);
    const prefix = `xcap_${kind.replaceAll('-', '_')}_`;
    // What --max-overhead detaches is a program with all its hooks: not one that has them all.
    const { text, names, nameOf } = emitHookFunctions(hooks, kind, prefix, input.regs, values.of, {
      share: !input.skips,
    });
    hooks.forEach((hook, i) => functionOf.set(hook, nameOf[i] ?? ''));
    return {
      text: compose({
        entries: ['hooks.bpf.c'],
        generated: {
          'config.gen.h': configHeader(input, kind, hooks, values.of),
          ...shared,
          'programs.gen.h': text,
        },
        readTemplate: input.readTemplate,
      }),
      functions: names,
    };
  });
  const watchers = watchersOf(input.btf, input.who, input.fentry);
  return {
    units: [
      ...units,
      ...(watchers.length === 0 ? [] : [watcherUnit(input, shared, watchers, values.of)]),
      ...ruleUnits(input),
    ],
    watchers,
    functionOf: input.hooks.map((hook) => functionOf.get(hook) ?? ''),
    values: values.all,
  };
}

function watcherUnit(
  input: ProgramInput,
  shared: Readonly<Record<string, string>>,
  watchers: readonly Watcher[],
  valueOf: ValueOf,
): ProgramUnit {
  return {
    text: compose({
      entries: ['who.bpf.c'],
      generated: { 'config.gen.h': configHeader(input, 'raw-tp', [], valueOf), ...shared },
      readTemplate: input.readTemplate,
    }),
    functions: watchers.map((watcher) => watcher.function),
  };
}
