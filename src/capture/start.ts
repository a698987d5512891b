import { ObjectCache } from '../compile/object-cache.ts';
import { ObjectCompiler, type CacheUse } from '../compile/object-compiler.ts';
import type { ExitCode } from '../errors.ts';
import type { CaptureIo, CaptureOptions } from './options.ts';

/**
 * Starts the compiler's process, unless the cache has what it would make, before anything else of a capture is
 * even imported: with LLVM to load it is the longest way to the first event, and the rest goes beside it.
 *
 * @returns the exit status: that of the command, where one is traced
 * @throws as runCapture()
 */
export async function startCapture(options: CaptureOptions, io: CaptureIo): Promise<number> {
  if (options.command === undefined || options.dryRun) return start(options, io);
  const { TracedCommand } = await import('./traced-command.ts');
  using command = TracedCommand.start(options.command, io.abort);
  const status = await start(
    {
      ...options,
      metadata: [...options.metadata, { key: 'pid', negate: false, value: command.pid }],
      who: { ...options.who, owner: true, follow: true },
    },
    {
      ...io,
      abort: command.ended,
      ready: () => {
        command.begin();
      },
    },
  );
  if (!command.begun) return status;
  if (!command.ended.aborted) io.log.note('the capture has ended, the command goes on');
  return await command.status;
}

async function start(options: CaptureOptions, io: CaptureIo): Promise<ExitCode> {
  const compiler = options.dryRun ? undefined : await ObjectCompiler.start(cacheUse(options, io));
  try {
    const { runCapture } = await import('./run.ts');
    return await runCapture(options, io, compiler);
  } finally {
    compiler?.[Symbol.dispose]();
  }
}

function cacheUse(options: CaptureOptions, io: CaptureIo): CacheUse | undefined {
  const { cache: wanted, text } = options;
  if (wanted === undefined) return undefined;
  const cache = ObjectCache.open(wanted.directory);
  if (cache instanceof ObjectCache) {
    return { cache, question: questionOf(options), env: wanted.env };
  }
  if (text.verbose > 0) {
    io.log.note(`no cache of compiled programs: ${wanted.directory}: ${cache.why}`);
  }
  return undefined;
}

/**
 * Runs of the same question are likely to need the same object. It leaves out what shows only after the program,
 * and the numbers that are put in when it is loaded; to leave in too much, or too little, costs a compilation
 * and nothing else.
 */
function questionOf(options: CaptureOptions): string {
  const { hooks, backend, exclude, maxHooks, partial, expression, inner, userC, optimize } =
    options;
  const { metadata, where, snaplen, ringKiB, withoutFeature } = options;
  const numbered = new Set(['netns', 'pid', 'tid', 'cgroup', 'container']);
  return JSON.stringify([
    [hooks, backend, exclude, maxHooks, partial],
    [expression, inner, optimize, where],
    [userC.filter?.text, userC.action?.text],
    [options.interface === undefined, snaplen, ringKiB, withoutFeature],
    [
      options.sample === undefined,
      options.maxOverhead === undefined,
      options.stack,
      options.track,
      options.gather !== undefined,
      options.rule,
    ],
    options.top && [options.top.by],
    options.who,
    metadata.map((each) => (numbered.has(each.key) ? [each.key, each.negate] : each)),
  ]);
}
