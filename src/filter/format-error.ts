import type { FilterError } from '../errors.ts';

/** Columns of the excerpt that a long expression is cut to. */
const WIDTH = 100;
const CUT = '...';

/**
 * The lines that a user sees: the message, the expression and a caret below the place. What is not
 * printable ASCII is escaped, as it could be wider than a column or turn the text around.
 */
export function formatFilterError(error: FilterError): readonly string[] {
  const { expression, column } = error;
  const before = escape(expression.slice(0, column));
  const { text, caret } = excerpt(before + escape(expression.slice(column)), before.length);
  return [error.message, `  ${text}`, `  ${' '.repeat(caret)}^`];
}

function excerpt(text: string, caret: number): { readonly text: string; readonly caret: number } {
  if (text.length <= WIDTH) return { text, caret };
  const start = Math.max(0, Math.min(caret - WIDTH / 2, text.length - WIDTH));
  const head = start > 0 ? CUT : '';
  const tail = start + WIDTH < text.length ? CUT : '';
  return {
    text: head + text.slice(start, start + WIDTH) + tail,
    caret: caret - start + head.length,
  };
}

const NAMES: ReadonlyMap<string, string> = new Map([
  ['\t', '\\t'],
  ['\n', '\\n'],
  ['\r', '\\r'],
]);

function escape(text: string): string {
  return text.replace(/[^\x20-\x7e]/gu, (char) => {
    const code = char.codePointAt(0) ?? 0;
    const hex = code.toString(16);
    return NAMES.get(char) ?? (code < 0x100 ? `\\x${hex.padStart(2, '0')}` : `\\u{${hex}}`);
  });
}
