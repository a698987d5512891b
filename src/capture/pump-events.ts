import { COUNTERS } from '../abi/counters.ts';
import { TRACKED } from '../abi/maps.ts';
import { LostCounts } from './lost-counts.ts';
import type { CaptureIo, CaptureOptions } from './options.ts';
import { announce } from './announce.ts';
import type { Outputs } from './outputs.ts';
import {
  formatProgramCosts,
  formatReaderCost,
  formatRuleCosts,
  formatWatcherCost,
  sumCosts,
} from './own-cost.ts';
import type { CapturePlan } from './plan.ts';
import { Pump } from './pump.ts';
import { ReaderMeter } from './reader-cost.ts';
import { readStats, report, reportCounts, type RunStats } from './report.ts';
import type { Session } from './session.ts';
import { StackTable } from './stack-table.ts';
import { formatVerdictLine } from './verdict-line.ts';

const LOST = COUNTERS.indexOf('lost');

/** Lost events by hook. */
export function lostCounts(plan: CapturePlan, session: Session): LostCounts {
  const numbers = new Map(plan.names.hooks.map((hook, number) => [hook, number]));
  return new LostCounts((hook) => {
    const number = numbers.get(hook);
    return number === undefined ? 0 : (session.maps.counts(number)[LOST] ?? 0);
  });
}

const VERDICTS_EVERY_MS = 1000;

/** Moves events to the outputs until the capture is told to end; then the summary. */
export async function pumpEvents(
  options: CaptureOptions,
  io: CaptureIo,
  plan: CapturePlan,
  session: Session,
  outputs: Outputs,
  lost: LostCounts,
  measured: boolean,
): Promise<void> {
  const hooks = plan.names.hooks;
  let finish = (): void => undefined;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const stacks = options.stack
    ? new StackTable((id) => session.maps.stack(id), plan.names)
    : undefined;
  const pumpOptions = {
    count: options.count,
    sections: plan.sizes,
    stacks,
    interactive: io.stdout.isTerminal,
    beforeBatch: () => {
      lost.renew();
    },
  };
  const reader = new Pump(session.maps.ring, plan.names, outputs, pumpOptions, finish);
  const stats = (): RunStats => readStats(plan, session, reader);
  const meter = new ReaderMeter();
  const costs = (): readonly string[] => [
    ...(measured ? programCosts(plan, session) : []),
    ...(measured ? formatRuleCosts(session.besideCosts('rules')) : []),
    ...(options.text.verbose > 0 ? [formatReaderCost(meter.read())] : []),
  ];
  const stopListening = io.onSummaryRequest(() => {
    reportCounts(io, plan.hooks, stats());
    io.log.note(...costs());
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
      : new (await import('./overhead-limit.ts')).OverheadLimit(options.maxOverhead, plan, {
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
  report(io, plan.hooks, final, options.xdpcap === undefined, [
    ...costs(),
    ...whoNotes(session, options, measured),
    ...outputs.notes(),
    ...(stacks?.notes() ?? []),
    ...untracked(plan, session),
  ]);
}

function programCosts(plan: CapturePlan, session: Session): readonly string[] {
  const { hooks } = plan.names;
  if (plan.trackers.length === 0) return formatProgramCosts(session.costs(), hooks, plan.hooks);
  const tracking = {
    hooks: [hooks.length],
    measured: true,
    ...sumCosts(session.besideCosts('track')),
  };
  return formatProgramCosts([...session.costs(), tracking], [...hooks, '--track'], plan.hooks);
}

/** Addresses that found no room. */
function untracked(plan: CapturePlan, session: Session): readonly string[] {
  if (plan.trackers.length === 0) return [];
  const count = session.maps.total('untracked', plan.names.hooks.length);
  if (count === 0) return [];
  return [
    `--track: ${count} times there was no room to follow a packet further: ${TRACKED} addresses at a time`,
  ];
}

/** What was not known for want of room. */
function whoNotes(
  session: Session,
  { who, text }: CaptureOptions,
  measured: boolean,
): readonly string[] {
  const notes: string[] = [];
  const noRoom = who.owner ? session.maps.whoCount('owner_no_room') : 0;
  const unfollowed = who.follow ? session.maps.whoCount('not_followed') : 0;
  if (noRoom > 0) notes.push(`${noRoom} sockets whose process there was no room to keep`);
  if (unfollowed > 0) notes.push(`${unfollowed} processes not followed: there was no room`);
  if (who.owner && text.verbose > 0) {
    notes.push(
      `processes of sockets: ${session.maps.whoCount('owner_learned')} entries made, ${session.maps.whoCount('owner_gone')} removed`,
    );
  }
  const { runs, ns } = sumCosts(session.besideCosts('who'));
  if (measured && runs > 0) notes.push(formatWatcherCost(runs, ns));
  return notes;
}

/** A program may still be running when the link is gone: wait until its event is in and counted. */
async function settle(session: Session, reader: Pump, hooks: number): Promise<void> {
  for (let attempt = 0; attempt < 20; attempt++) {
    await reader.drain();
    const read = reader.written.reduce((sum, count) => sum + count, 0);
    const submitted = session.maps.total('submitted', hooks);
    if (submitted === read || reader.isDone) {
      if (attempt > 0) return;
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
