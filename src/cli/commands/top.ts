import { TOP_DIMENSIONS, type TopDimension } from '../../abi/top.ts';
import type { CaptureOptions } from '../../capture/options.ts';
import { liveReader } from '../../kernel/reader.ts';
import { nearest } from '../../util/nearest.ts';
import { captureOptions } from '../capture-options.ts';
import { resolveDevice } from '../devices.ts';
import type { SplitLine } from '../getopt.ts';
import type { Given } from '../given.ts';
import type { CliIo } from '../io.ts';
import { readExpression, readText } from '../read-text.ts';
import { badValue, parseDuration, parseNumber } from '../values.ts';

/** `xcap top`: how many packets, by what they have in common. */
export async function topCommand(
  given: Given,
  { words, after = [] }: Pick<SplitLine, 'words' | 'after'>,
  io: CliIo,
): Promise<number> {
  const options = topOptions(
    given,
    captureOptions(given, words, {
      command: after,
      env: io.env,
      readExpression,
      readText,
      resolveDevice: (spelled, name) => resolveDevice(spelled, name, liveReader),
    }),
    io.stdout.isTerminal && io.env['TERM'] !== 'dumb',
  );
  const { startCapture } = await import('../../capture/start.ts');
  return await startCapture(options, io);
}

/** No event goes through it. */
const RING_KIB = 4;
const DEFAULT_INTERVAL_MS = 1000;

/** @param terminal standard output is one that lines can be redrawn on */
export function topOptions(given: Given, plain: CaptureOptions, terminal: boolean): CaptureOptions {
  return {
    ...plain,
    ringKiB: RING_KIB,
    top: {
      by: given.value('by', parseBy),
      intervalMs: given.value('interval', parseInterval) ?? DEFAULT_INTERVAL_MS,
      maxRows: given.value('max-rows', parseMaxRows),
      live: terminal && plain.format !== 'json',
    },
  };
}

/** The columns, each once. @throws UsageError */
export function parseBy(spelled: string, text: string): readonly TopDimension[] {
  const words = text.split(',').map((word) => word.trim());
  for (const word of words) {
    if (TOP_DIMENSIONS.some((each) => each === word)) continue;
    const [near] = nearest(word, TOP_DIMENSIONS);
    const meant = near === undefined ? '' : `did you mean ${near}? `;
    const hint = `${meant}${spelled} takes ${TOP_DIMENSIONS.join(', ')}`;
    throw badValue(
      spelled,
      text,
      word === '' ? 'a name is empty' : `no such thing${word === text ? '' : `: ${word}`}`,
      hint,
    );
  }
  return [...new Set(words as readonly TopDimension[])];
}

const MIN_INTERVAL_MS = 100;

/** In milliseconds. @throws UsageError */
export function parseInterval(spelled: string, text: string): number {
  const ms = Math.round(Number(parseDuration(spelled, text)) / 1e6);
  if (ms >= MIN_INTERVAL_MS) return ms;
  throw badValue(spelled, text, 'out of range', `${spelled} takes 100ms to 596h`);
}

/** Its map has one more; more would be a gigabyte of keys alone. */
const MAX_ROWS = 2 ** 22;

function parseMaxRows(spelled: string, text: string): number {
  return parseNumber(spelled, text, { min: 1, max: MAX_ROWS });
}
