import { captureMaps } from '../abi/maps.ts';
import { CompileError } from '../compile/compile-error.ts';
import type { CompiledObject, CompileInput } from '../compile/object.ts';
import { numberLines } from '../codegen/compose.ts';
import { EXIT, UnsupportedError, VerifierError, type ExitCode } from '../errors.ts';
import { userCompileError } from '../user-c/user-c.ts';
import { Disposer } from '../util/disposer.ts';
import type { PrivateFiles } from '../util/private-files.ts';
import { liveReader } from '../kernel/reader.ts';
import { attachStep } from './attach-step.ts';
import { followProcesses } from './follow-processes.ts';
import { ProgramFollower } from './follow-programs.ts';
import { loadPassPrograms } from './load-pass.ts';
import type { CaptureIo, CaptureOptions } from './options.ts';
import { kernelMemory } from './kernel-memory.ts';
import { makePlan, type CapturePlan } from './plan.ts';
import { THIS_SYSTEM } from './plan-target.ts';
import { requirePrivileges } from './privileges.ts';
import { lostCounts, pumpEvents } from './pump-events.ts';
import { describeRefusals, type Refusal } from './refusals.ts';
import { seedOwners } from './seed-owners.ts';
import { Session } from './session.ts';
import { measureRuns } from './run-stats.ts';

/** Where what was compiled comes from: a compiler, the cache, a file. */
export interface ObjectSource {
  compile(input: CompileInput): Promise<CompiledObject>;
}

/**
 * A whole capture: plan, compile, attach, pump until told to end, drain, close, summary.
 *
 * @param compiler undefined for a dry run
 * @param files where what was found is kept for the next run
 * @throws XcapError with the exit status; nothing stays attached on any path
 */
export function runCapture(
  options: CaptureOptions,
  io: CaptureIo,
  compiler: ObjectSource | undefined,
  files: PrivateFiles | undefined,
): Promise<ExitCode> {
  return runPlanned(options, io, compiler, () => {
    const memory = files && kernelMemory(files, liveReader, options.withoutFeature);
    return makePlan(options, { ...THIS_SYSTEM, memory });
  });
}

/** As runCapture(). @param planIt decides everything that the run needs */
export async function runPlanned(
  options: CaptureOptions,
  io: CaptureIo,
  compiler: ObjectSource | undefined,
  planIt: () => CapturePlan,
): Promise<ExitCode> {
  const held = new Disposer();
  try {
    const loaded = options.loadPass && !options.dryRun ? loadPassPrograms(options.hooks, held) : [];
    const plan = planIt();
    io.log.note(...loaded);
    if (compiler === undefined) {
      for (const { text } of plan.program.units) io.stdout.print(numberLines(text));
      plan.program.values.forEach((value, i) => {
        io.stdout.print(`// when it is loaded, XCAP_VALUE(${i}) is ${value}\n`);
      });
      return EXIT.done;
    }
    requirePrivileges();
    io.log.note(...plan.notes);
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
    session.watch(object, plan.program.watchers, (text) => {
      io.log.note(text);
    });
    if (options.who.follow) followProcesses(session.maps, options.metadata, liveReader);
    if (options.who.owner) seedOwners(session.maps, plan.socketOwners, liveReader);
    await attach(session, object, plan, options, io);
    attachTrackers(session, plan, io);
    return followPrograms(plan, session, io);
  };
  if (plan.top !== undefined) {
    const { runTop } = await import('./top/run-top.ts');
    await runTop(options, io, plan, session, plan.top, attached);
    return EXIT.done;
  }
  // Before they are attached, so that each run is counted.
  const measured = measureRuns(options, held, io);
  const { Outputs } = await import('./outputs.ts');
  const lost = lostCounts(plan, session);
  const outputs = await Outputs.open(options, plan, io, (hook) => lost.of(hook));
  try {
    using follower = await attached();
    follower.start();
    await pumpEvents(options, io, plan, session, outputs, lost, measured);
  } finally {
    outputs.abandon();
  }
  const error = outputs.error();
  // A reader that went away ends the run like Ctrl-C does.
  if (error !== undefined && error.code !== 'EPIPE') throw error;
  return EXIT.done;
}

/** Behind the hooks: at a place of both, a packet's end is the last thing. */
function attachTrackers(
  session: Session,
  { trackers, hooks, program }: CapturePlan,
  io: CaptureIo,
): void {
  trackers.forEach((tracker, i) => {
    try {
      session.attachTracker(tracker, program.functionOf[hooks.length + i] ?? '');
    } catch (error) {
      // Without a copy less is followed; without an end ids would be wrong.
      if (tracker.tracker?.does !== 'copy' || !(error instanceof UnsupportedError)) throw error;
      io.log.note(`--track: copies are not followed: ${error.message}`);
    }
  });
  if (trackers.length > 0) session.maps.setTracking(true);
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
    watchRules(session, object, plan, 'before', io);
    await session.attach(object, plan.hooks, plan.program.functionOf, {
      step: attachStep(io, options.xdpcap === undefined),
      note: (text) => {
        io.log.note(text);
      },
      refused: (hook, error) => {
        const mayGo = options.partial || hook.pattern !== undefined;
        if (!mayGo || !(error instanceof UnsupportedError)) throw error;
        refused.push({ hook, error });
      },
    });
    watchRules(session, object, plan, 'behind', io);
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
  io.log.note(...describeRefusals(refused, hooks));
}

function watchRules(
  session: Session,
  object: CompiledObject,
  { rules }: CapturePlan,
  which: 'before' | 'behind',
  io: CaptureIo,
): void {
  if (rules === undefined) return;
  rules.countChangesBy(() => session.maps.ruleChanges());
  const failed = session.watchRules(object, rules[which]);
  rules.leaveOut(failed.map(({ place }) => place));
  for (const why of new Set(failed.map((each) => each.why))) io.log.note(`--rule: ${why}`);
}
