import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CompiledObject } from '../../../src/compile/object.ts';
import { compilePredicates } from '../../../src/judge/packet-judge.ts';
import { filtersOf, type Question } from './four.ts';

const checkout = join(import.meta.dirname, '../../..');
const folder = join(checkout, '.cache/judges');

/** What goes into the programs beside the filters. */
const TEMPLATES = ['predicate.bpf.c', 'include/filter/filter.h', 'include/helpers.h'];

/**
 * The programs of questions, compiled once: a run on the build machine leaves them where the guests,
 * whose compiler is some fifteen times slower, find them. Their names hold what they are made of.
 *
 * @param compileMissing undefined instead of compiling what is not there
 */
export async function storedObject(
  questions: readonly Question[],
  options: {
    readonly varStack: boolean;
    readonly compileMissing: boolean;
  },
): Promise<CompiledObject | undefined> {
  const filters = filtersOf(questions);
  const hash = createHash('sha256').update(JSON.stringify([filters, options.varStack]));
  for (const path of TEMPLATES) hash.update(readFileSync(join(checkout, 'templates', path)));
  const file = join(folder, `${hash.digest('hex').slice(0, 32)}.json`);
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as CompiledObject;
  } catch {
    if (!options.compileMissing) return undefined;
  }
  const object = await compilePredicates(filters, {
    varStackRead: options.varStack,
  });
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, JSON.stringify(object));
  return object;
}
