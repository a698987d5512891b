import { readFileSync } from 'node:fs';
import { UsageError } from '../errors.ts';

/** As tcpdump reads it: `#` starts a comment, the line ends are blanks. @throws UsageError */
export function readExpression(spelled: string, path: string): string {
  return readText(spelled, path, 'the expression')
    .replace(/#[^\n]*/g, '')
    .trim();
}

/** @throws UsageError */
export function readText(spelled: string, path: string, what = "the user's C"): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    // "ENOENT: no such file or directory, open '/x'"
    const why = error instanceof Error ? (error.message.split(', ')[0] ?? '') : String(error);
    throw new UsageError(`reading ${what}: ${spelled} ${path}: ${why}`, { cause: error });
  }
}
