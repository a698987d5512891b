import type { ProgramFollower } from '../follow-programs.ts';
import { announce } from '../announce.ts';
import type { CaptureIo, CaptureOptions } from '../options.ts';
import type { CapturePlan } from '../plan.ts';
import { readStats, report, reportCounts, type RunStats } from '../report.ts';
import type { Session } from '../session.ts';
import { formatTopStats } from '../summary.ts';
import type { TopPlan } from './plan-top.ts';
import { TopCapture } from './top-capture.ts';

/** `xcap top`: no event is read. */
export async function runTop(
  options: CaptureOptions,
  io: CaptureIo,
  plan: CapturePlan,
  session: Session,
  top: TopPlan,
  attached: () => Promise<ProgramFollower>,
): Promise<void> {
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
