import { ObjectCache } from '../compile/object-cache.ts';
import { ObjectCompiler } from '../compile/object-compiler.ts';
import type { ExitCode } from '../errors.ts';
import { PrivateFiles } from '../util/private-files.ts';
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
  const files = options.dryRun ? undefined : openCache(options, io);
  const compiler = options.dryRun ? undefined : await startCompiler(options, files);
  try {
    const { runCapture } = await import('./run.ts');
    return await runCapture(options, io, compiler, files);
  } finally {
    compiler?.[Symbol.dispose]();
  }
}

function startCompiler(
  options: CaptureOptions,
  files: PrivateFiles | undefined,
): Promise<ObjectCompiler> {
  const env = options.cache?.env ?? {};
  return ObjectCompiler.start(
    files && { cache: new ObjectCache(files), question: questionOf(options), env },
  );
}

function openCache({ cache, text }: CaptureOptions, io: CaptureIo): PrivateFiles | undefined {
  if (cache === undefined) return undefined;
  const files = PrivateFiles.open(cache.directory);
  if (files instanceof PrivateFiles) return files;
  if (text.verbose > 0)
    io.log.note(`no cache of compiled programs: ${cache.directory}: ${files.why}`);
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
