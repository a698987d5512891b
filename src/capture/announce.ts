import { rmSync, writeFileSync } from 'node:fs';
import { RuntimeError } from '../errors.ts';
import { describeHooks } from '../hooks/resolved.ts';
import type { CaptureIo, CaptureOptions } from './options.ts';
import type { CapturePlan } from './plan.ts';

/** Every hook is attached. */
export async function announce(
  options: CaptureOptions,
  io: CaptureIo,
  plan: CapturePlan,
): Promise<void> {
  if (options.xdpcap === undefined) io.log.note(banner(options, plan));
  if (options.readyFile !== undefined) writeReadyFile(options.readyFile);
  io.ready?.();
  // Events are in the ring from here on: what they need beside is read while the first ones come in.
  io.log.note(...plan.warmUp());
  const { releaseMemory } = await import('./release-memory.ts');
  releaseMemory();
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
