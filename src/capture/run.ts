import { writeFileSync, rmSync } from 'node:fs';
import { COUNTERS } from '../abi/counters.ts';
import { captureMaps } from '../abi/maps.ts';
import { CompileError } from '../compile/compile-error.ts';
import type { CompiledObject, CompileInput } from '../compile/object.ts';
import { numberLines } from '../codegen/compose.ts';
import { EXIT, RuntimeError, UnsupportedError, VerifierError, type ExitCode } from '../errors.ts';
import { describeHooks, type ResolvedHook } from '../hooks/resolved.ts';
import type { HookStats } from '../output/sink.ts';
import { userCompileError } from '../user-c/user-c.ts';
import { Disposer } from '../util/disposer.ts';
import { ProgramFollower } from './follow-programs.ts';
import { loadPassPrograms } from './load-pass.ts';
import type { CaptureIo, CaptureOptions } from './options.ts';
import type { Outputs } from './outputs.ts';
import { makePlan, type CapturePlan } from './plan.ts';
import { requirePrivileges } from './privileges.ts';
import { Pump } from './pump.ts';
import { describeRefusals, type Refusal } from './refusals.ts';
import { Session } from './session.ts';
import { formatProgramCosts, formatReaderCost } from './own-cost.ts';
import { OverheadLimit } from './overhead-limit.ts';
import { ReaderMeter } from './reader-cost.ts';
import { measureRuns } from './run-stats.ts';
import { hookStats, sumsError } from './stats.ts';
import { formatVerdictLine } from './verdict-line.ts';
import { explainNothing, formatStats, formatTopStats, summarise } from './summary.ts';
import type { TopPlan } from './top/plan-top.ts';

/** Where what was compiled comes from: a compiler, the cache, a file. */
export interface ObjectSource {
  compile(input: CompileInput): Promise<CompiledObject>;
}

/**
 * A whole capture: plan, compile, attach, pump until told to end, drain, close, summary.
 *
 * @param compiler undefined for a dry run
 * @param planIt decides everything that the run needs
 * @throws XcapError with the exit status; nothing stays attached on any path
 */
export async function runCapture(
  options: CaptureOptions,
  io: CaptureIo,
  compiler: ObjectSource | undefined,
  planIt: () => CapturePlan = () => makePlan(options),
): Promise<ExitCode> {
  const held = new Disposer();
  try {
    const loaded = options.loadPass && !options.dryRun ? loadPassPrograms(options.hooks, held) : [];
    const plan = planIt();
    for (const note of loaded) io.log.note(note);
    if (compiler === undefined) {
      for (const { text } of plan.program.units) io.stdout.print(numberLines(text));
      plan.program.values.forEach((value, i) => {
        io.stdout.print(`// when it is loaded, XCAP_VALUE(${i}) is ${value}\n`);
      });
      return EXIT.done;
    }
    requirePrivileges();
    for (const note of plan.notes) io.log.note(note);
    return await capture(options, io, plan, compiler, held);
  } finally {
    held[Symbol.dispose]();
  }
}

async function capture(
  options: CaptureOptions,
  io: CaptureIo,
  plan: CapturePlan,
  compiler: ObjectSource,
  held: Disposer,
): Promise<ExitCode> {
  const maps = captureMaps(plan.sizes);
  const compiling = compiler.compile({
    units: plan.program.units,
    maps,
    license: plan.license,
    values: plan.program.values,
  });
  // Awaited below, unless something fails before: that error is then the one to report.
  compiling.catch(() => undefined);
  // While the child compiles, make the maps and load what turns events into lines.
  const session = held.add(new Session(maps, plan.sizes.possibleCpus));
  const attached = async (): Promise<ProgramFollower> => {
    const object = await compiling.catch((error: unknown) => {
      throw compileError(error, plan);
    });
    await attach(session, object, plan, options, io);
    return followPrograms(plan, session, io);
  };
  if (plan.top !== undefined) {
    await count(options, io, plan, session, plan.top, attached);
    return EXIT.done;
  }
  // Before they are attached, so that each run is counted.
  const measured = measureRuns(options, held, io);
  const { Outputs } = await import('./outputs.ts');
  const outputs = await Outputs.open(options, plan, io, lostCounter(plan, session));
  try {
    using follower = await attached();
    follower.start();
    await pump(options, io, plan, session, outputs, measured);
  } finally {
    outputs.abandon();
  }
  const error = outputs.error();
  // A reader that went away ends the run like Ctrl-C does.
  if (error !== undefined && error.code !== 'EPIPE') throw error;
  return EXIT.done;
}

/** `xcap top`: no event is read. */
async function count(
  options: CaptureOptions,
  io: CaptureIo,
  plan: CapturePlan,
  session: Session,
  top: TopPlan,
  attached: () => Promise<ProgramFollower>,
): Promise<void> {
  const { TopCapture } = await import('./top/top-capture.ts');
  const capture = await TopCapture.open(options, io, plan.names, top, session);
  const stats = (): RunStats =>
    readStats(plan, session, { written: capture.counted(plan.names.hooks.length) });
  const stopListening = io.onSummaryRequest(() => {
    reportCounts(io, plan.hooks, stats(), formatTopStats);
  });
  try {
    using follower = await attached();
    follower.start();
    const startedAt = performance.now();
    await announce(options, io, plan);
    await capture.run(startedAt);
    report(io, plan.hooks, stats(), true, capture.notes(), formatTopStats);
  } finally {
    stopListening();
    capture.abandon();
  }
  const error = capture.error();
  if (error !== undefined && error.code !== 'EPIPE') throw error;
}

function followPrograms(plan: CapturePlan, session: Session, io: CaptureIo): ProgramFollower {
  return new ProgramFollower(
    plan.hooks,
    plan.program.functionOf,
    (hook, name) => {
      session.attachMore(hook, plan.names.hooks.indexOf(hook.id), name);
    },
    (text) => {
      io.log.note(text);
    },
  );
}

/** Of the user's C it is the user who can mend it. */
function compileError(error: unknown, plan: CapturePlan): unknown {
  if (!(error instanceof CompileError)) return error;
  return userCompileError(plan.userC, error.messages) ?? error;
}

async function attach(
  session: Session,
  object: CompiledObject,
  plan: CapturePlan,
  options: CaptureOptions,
  io: CaptureIo,
): Promise<void> {
  const refused: Refusal[] = [];
  try {
    await session.attach(object, plan.hooks, plan.program.functionOf, {
      step: attachStep(io),
      note: (text) => {
        io.log.note(text);
      },
      refused: (hook, error) => {
        const mayGo = options.partial || hook.pattern !== undefined;
        if (!mayGo || !(error instanceof UnsupportedError)) throw error;
        refused.push({ hook, error });
      },
    });
  } catch (error) {
    const { filter, action } = plan.userC;
    if (!(error instanceof VerifierError) || (filter ?? action) === undefined) throw error;
    throw new VerifierError(error.message, error.log, {
      cause: error,
      hint: `most likely for the C of ${[filter, action].flatMap((each) => each?.path ?? []).join(' or ')}: XCAP_DEBUG=1 prints the whole log`,
    });
  }
  const [first] = refused;
  if (first === undefined) return;
  const hooks = plan.hooks.filter(({ part }) => part !== 'entry').length;
  if (refused.length >= hooks) throw first.error;
  for (const line of describeRefusals(refused, hooks)) io.log.note(line);
}

const YIELD_MS = 50;
const PROGRESS_MS = 1000;

/** Signals get in between system calls, and whoever waits is told how far it is. */
function attachStep(io: CaptureIo): (done: number, all: number) => Promise<boolean> {
  let yieldedAt = performance.now();
  let toldAt = yieldedAt;
  return async (done, all) => {
    const now = performance.now();
    if (now - yieldedAt > YIELD_MS) {
      await new Promise((resolve) => setImmediate(resolve));
      yieldedAt = now;
    }
    if (all > 2 && now - toldAt > PROGRESS_MS) {
      io.log.note(`attaching: ${Math.round((100 * done) / all)} %`);
      toldAt = now;
    }
    return !io.abort.aborted;
  };
}

const LOST = COUNTERS.indexOf('lost');
const SUBMITTED = COUNTERS.indexOf('submitted');
const LOST_REREAD_MS = 50;

/** Lost events by hook, read again now and then: each reading is a system call. */
function lostCounter(plan: CapturePlan, session: Session): (hook: string) => number {
  const known = new Map(
    plan.names.hooks.map((hook, number) => [hook, { number, lost: 0, readAt: -Infinity }]),
  );
  return (hook) => {
    const entry = known.get(hook);
    if (entry === undefined) return 0;
    const now = performance.now();
    if (now - entry.readAt > LOST_REREAD_MS) {
      entry.lost = session.counts(entry.number)[LOST] ?? 0;
      entry.readAt = now;
    }
    return entry.lost;
  };
}

const VERDICTS_EVERY_MS = 1000;

async function pump(
  options: CaptureOptions,
  io: CaptureIo,
  plan: CapturePlan,
  session: Session,
  outputs: Outputs,
  measured: boolean,
): Promise<void> {
  const hooks = plan.names.hooks;
  let finish = (): void => undefined;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const pumpOptions = {
    count: options.count,
    userBytes: plan.sizes.userBytes,
    interactive: io.stdout.isTerminal,
  };
  const reader = new Pump(session.ring, plan.names, outputs, pumpOptions, finish);
  const stats = (): RunStats => readStats(plan, session, reader);
  const meter = new ReaderMeter();
  const costs = (): readonly string[] => [
    ...(measured ? formatProgramCosts(session.costs(), hooks, plan.hooks) : []),
    ...(options.text.verbose > 0 ? [formatReaderCost(meter.read())] : []),
  ];
  const stopListening = io.onSummaryRequest(() => {
    reportCounts(io, plan.hooks, stats());
    for (const line of costs()) io.log.note(line);
  });
  const tellVerdicts = (): void => {
    if (options.xdpcap?.counts === true) io.log.text(formatVerdictLine(stats().hooks));
  };
  const ticker =
    options.xdpcap === undefined ? undefined : setInterval(tellVerdicts, VERDICTS_EVERY_MS);
  const timer =
    options.durationNs === undefined
      ? undefined
      : setTimeout(finish, Number(options.durationNs) / 1e6);
  const limit =
    options.maxOverhead === undefined
      ? undefined
      : new OverheadLimit(options.maxOverhead, plan, {
          session,
          reader,
          meter,
          log: io.log,
          finish,
        });
  io.abort.addEventListener('abort', finish, { once: true });
  try {
    reader.start();
    await announce(options, io, plan);
    meter.begin();
    limit?.start();
    if (!io.abort.aborted) await finished;
  } finally {
    clearTimeout(timer);
    clearInterval(ticker);
    limit?.stop();
    io.abort.removeEventListener('abort', finish);
    stopListening();
    session.detach();
    reader.stop();
  }
  await settle(session, reader, hooks.length);
  const final = stats();
  await outputs.close(final.hooks);
  tellVerdicts();
  report(io, plan.hooks, final, options.xdpcap === undefined, [...costs(), ...outputs.notes()]);
}

/** Every hook is attached. */
async function announce(options: CaptureOptions, io: CaptureIo, plan: CapturePlan): Promise<void> {
  if (options.xdpcap === undefined) io.log.note(banner(options, plan));
  if (options.readyFile !== undefined) writeReadyFile(options.readyFile);
  // Events are in the ring from here on: what they need beside is read while the first ones come in.
  for (const note of plan.warmUp()) io.log.note(note);
  const { releaseMemory } = await import('./release-memory.ts');
  releaseMemory();
}

/** A program may still be running when the link is gone: wait until its event is in and counted. */
async function settle(session: Session, reader: Pump, hooks: number): Promise<void> {
  for (let attempt = 0; attempt < 20; attempt++) {
    await reader.drain();
    const read = reader.written.reduce((sum, count) => sum + count, 0);
    let submitted = 0;
    for (let hook = 0; hook < hooks; hook++) submitted += session.counts(hook)[SUBMITTED] ?? 0;
    if (submitted === read || reader.isDone) {
      if (attempt > 0) return;
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

interface RunStats {
  /** By hook, in the plan's order. */
  readonly hooks: readonly HookStats[];
  /** Missed by programs that serve several hooks: which of them it was is not known. */
  readonly sharedMisses: number;
}

function readStats(plan: CapturePlan, session: Session, reader: Pick<Pump, 'written'>): RunStats {
  const misses = new Map<number, number>();
  let sharedMisses = 0;
  for (const { hooks, count } of session.misses()) {
    const [only = 0] = hooks;
    if (hooks.length === 1) misses.set(only, (misses.get(only) ?? 0) + count);
    else sharedMisses += count;
  }
  const hooks = plan.names.hooks.map((id, number) => {
    const kernel = session.counts(number);
    const written = reader.written[number] ?? 0;
    return hookStats(id, kernel, {
      written,
      left: Math.max(0, (kernel[SUBMITTED] ?? 0) - written),
      recursionMisses: misses.get(number) ?? 0,
    });
  });
  return { hooks, sharedMisses };
}

/** `tracing packet drops (skb:kfree_skb, BTF-typed), all devices, snap length 262144; ...` */
function banner(options: CaptureOptions, plan: CapturePlan): string {
  const subjects = describeHooks(plan.hooks);
  const device = options.interface === undefined ? 'all devices' : `device ${options.interface}`;
  const netns = options.metadata.filter((each) => each.key === 'netns');
  const where =
    netns.length === 0
      ? device
      : `${device} of namespace ${netns.map((each) => `${each.negate ? '!' : ''}${each.value}`).join(', ')}`;
  if (plan.top !== undefined && options.top !== undefined) {
    const { intervalMs } = options.top;
    return `counting ${subjects.join(', ')}, ${where}, by ${plan.top.by.join(', ')}, every ${intervalMs / 1000} s`;
  }
  const onlyDrops = plan.hooks.every((hook) => hook.id === 'drop');
  return (
    `tracing ${subjects.join(', ')}, ${where}, snap length ${options.snaplen}` +
    (onlyDrops ? '; --hook rx,tx for traffic' : '')
  );
}

function writeReadyFile(path: string): void {
  try {
    writeFileSync(path, `${process.pid}\n`);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    rmSync(path, { force: true });
    throw new RuntimeError(`writing the ready file: ${path}: ${why}`, { cause: error });
  }
}

function reportCounts(
  io: CaptureIo,
  hooks: readonly ResolvedHook[],
  stats: RunStats,
  format = formatStats,
): void {
  for (const line of summarise(stats.hooks, hooks)) io.log.note(format(line));
  if (stats.sharedMisses > 0) {
    io.log.note(
      `${stats.sharedMisses} missed at functions that share a program: one ran inside another`,
    );
  }
}

function report(
  io: CaptureIo,
  hooks: readonly ResolvedHook[],
  stats: RunStats,
  summary: boolean,
  notes: readonly string[],
  format = formatStats,
): void {
  if (summary) reportCounts(io, hooks, stats, format);
  for (const stat of stats.hooks) {
    const wrong = sumsError(stat);
    if (wrong !== undefined) io.log.note(`${stat.hook}: counters do not add up: ${wrong}: a bug`);
  }
  for (const note of notes) io.log.note(note);
  if (!summary) return;
  const [nothing, advice] = explainNothing(stats.hooks, describeHooks(hooks));
  if (nothing !== undefined) io.log.note(nothing);
  if (advice !== undefined) io.log.text(advice);
}
