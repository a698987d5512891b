import { endProgram, freesPackets, type RuleInput } from '../codegen/rules.ts';
import type { ResolvedHook } from '../hooks/resolved.ts';
import { Gate, monotonicClock } from '../kernel/gate.ts';
import type { KernelView } from '../kernel/view.ts';
import type { RawRule } from '../abi/rules.ts';
import type { Rule } from '../records/rule.ts';
import { describeRule } from '../rules/describe.ts';
import { Rulesets, runTool } from '../rules/rulesets.ts';
import type { RuleWatcher } from '../hooks/rule-watcher.ts';
import { findWatchers } from '../hooks/rule-watchers.ts';
import { UsageError } from '../errors.ts';

/** Where a program is attached that is no hook's. */
export interface WatchedPlace {
  readonly hook: ResolvedHook;
  /** The compiled function. */
  readonly program: string;
  /** What it is told where it is loaded. */
  readonly number?: number | undefined;
}

/** --rule: what watches rules, and what makes words of what it finds. */
export interface RulePlan {
  readonly input: RuleInput;
  /** Attached before the hooks. */
  readonly before: readonly WatchedPlace[];
  /** Attached behind them. */
  readonly behind: readonly WatchedPlace[];
  readonly notes: readonly string[];
  readonly describe: (raw: RawRule, reason: string | undefined) => Rule | undefined;
  /** Told what could not be watched: nothing may be concluded from what was not seen there. */
  readonly leaveOut: (places: readonly string[]) => void;
  /** Told how to count replacements of tables once there is a session. */
  readonly countChangesBy: (changes: () => bigint | undefined) => void;
}

/** @throws UsageError without a hook where packets are dropped */
export function planRules(
  view: KernelView,
  hooks: readonly ResolvedHook[],
  possibleCpus: number,
): RulePlan {
  const ends = hooks.filter(freesPackets);
  if (ends.length === 0 && !hooks.some(({ xdp }) => xdp?.ranProgram !== undefined)) {
    throw new UsageError('choosing hooks: --rule: no hook sees packets dropped', {
      hint: '--hook drop, among others',
    });
  }
  const watchers = findWatchers(view, possibleCpus);
  let changes: () => bigint | undefined = () => undefined;
  const lateModules = newModules(view);
  const unwatched: string[] = [];
  const rulesets = new Rulesets({
    run: runTool,
    netnsPath: (inode) => view.netns.path(inode),
    changes: () => changes(),
  });
  return {
    input: { watchers },
    before: watchers.units.flatMap((unit) =>
      unit.watchers.map((watcher) => ({
        hook: placeOf(watcher),
        program: watcher.program,
        number: watcher.probe?.number,
      })),
    ),
    behind: (watchers.units.length === 0 ? [] : ends).map((hook) => ({
      hook: { ...hook, id: 'rules_end' },
      program: endProgram(hook),
    })),
    notes: watchers.notes,
    describe: (raw, reason) =>
      describeRule(raw, reason, rulesets, () => [...unwatched, ...lateModules()]),
    leaveOut: (places) => void unwatched.push(...places),
    countChangesBy: (by) => {
      changes = by;
    },
  };
}

/** Looked at this often. */
const MODULES_MS = 1000;

/** Modules of expressions that were not there when this was called. */
function newModules({ modules }: KernelView): () => readonly string[] {
  const expressions = (): readonly string[] =>
    modules.names().filter((name) => name.startsWith('nft_'));
  const known = new Set(expressions());
  const again = new Gate(MODULES_MS, monotonicClock);
  let late: readonly string[] = [];
  return () => {
    if (again.pass()) late = expressions().filter((name) => !known.has(name));
    return late;
  };
}

const BACKENDS = { entry: ['fentry', 'kprobe'], return: ['fexit', 'kretprobe'] } as const;

function placeOf({ target, module, attachBtfId, at, probe }: RuleWatcher): ResolvedHook {
  return {
    ...{ id: target, pattern: undefined, subject: undefined, target, module, attachBtfId },
    backend: BACKENDS[at][probe === undefined ? 0 : 1],
    place: module === undefined ? target : `${target} [${module}]`,
    cookie: false,
    addresses: probe?.addresses ?? [],
    arguments: {
      carrier: {
        ...{ kind: 'skb', slot: 0, typed: false, number: 1, name: '', offset: 0, struct: '' },
      },
      certain: false,
    },
    direction: undefined,
    hasLocation: false,
    atData: false,
    destructor: undefined,
    returns: undefined,
  };
}
