/**
 * What must not reach a terminal or a line-based reader: control, formatting (invisible,
 * bidirectional) and unassigned characters, lone surrogates, line separators, and the backslash
 * that escapes are written with.
 */
const UNSAFE = /[\p{C}\p{Zl}\p{Zp}\\]/gu;
const MAYBE_UNSAFE = /[^ -[\]-~]/;

/**
 * A name from the kernel or the wire, fit for one line of text: what could move the cursor, start a
 * line or hide text is written as `\x1b` or `\u202e`, a backslash as `\\`.
 */
export function escapeText(text: string): string {
  // The usual name is plain ASCII.
  return MAYBE_UNSAFE.test(text) ? text.replace(UNSAFE, escapeCharacter) : text;
}

function escapeCharacter(character: string): string {
  if (character === '\\') return '\\\\';
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  if (code < 0x100) return `\\x${hex.padStart(2, '0')}`;
  return code < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\u{${hex}}`;
}
