import { FilterError } from '../errors.ts';
import { escapeText } from '../util/escape.ts';

/** A place in the text of --where: UTF-16 units from 0. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** What is wrong at a place of one --where; `what` is the user's text, escaped here. */
export function whereError(
  expression: string,
  at: Span,
  why: string,
  hint?: string,
  cause?: unknown,
): FilterError {
  const quoted = expression.slice(at.start, at.end).trim();
  const what = quoted === '' ? 'its end' : escapeText(quoted);
  const shown = what.length > 60 ? `${what.slice(0, 60)}...` : what;
  return new FilterError(expression, at.start, `reading --where: ${shown}: ${why}`, {
    hint,
    cause,
  });
}
