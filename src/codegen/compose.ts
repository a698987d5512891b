/** One C text out of templates and generated headers, each line traceable to its file. */

export interface ComposeInput {
  /** Templates in order, such as `drop.bpf.c`. */
  readonly entries: readonly string[];
  /** Generated headers by name, such as `events.gen.h`. */
  readonly generated: Readonly<Record<string, string>>;
  /** Text of a file of ours: `drop.bpf.c`, `include/capture.h`. */
  readonly readTemplate: (path: string) => string;
}

const OWN_INCLUDE = /^#include "([a-z0-9_./-]+)"$/;

/**
 * Replaces each `#include "x"` by the file, once, with #line markers around it; `#include <x>`
 * stays for the compiler.
 */
export function compose(input: ComposeInput): string {
  const included = new Set<string>();
  const out: string[] = [];

  const add = (path: string, text: string): void => {
    out.push(`#line 1 "${path}"`);
    text.split('\n').forEach((line, i) => {
      const name = OWN_INCLUDE.exec(line)?.[1];
      if (name === undefined) {
        out.push(line);
        return;
      }
      if (included.has(name)) {
        out.push('');
        return;
      }
      included.add(name);
      const generated = input.generated[name];
      if (generated === undefined) add(`include/${name}`, input.readTemplate(`include/${name}`));
      else add(name, generated);
      out.push(`#line ${i + 2} "${path}"`);
    });
  };

  for (const entry of input.entries) add(entry, input.readTemplate(entry));
  return out.join('\n') + '\n';
}

/** The text with line numbers as the compiler's messages count them, for --dry-run. */
export function numberLines(text: string): string {
  let file = '';
  let number = 0;
  const out: string[] = [];
  for (const line of text.split('\n')) {
    const marker = /^#line (\d+) "(.*)"$/.exec(line);
    if (marker === null) {
      out.push(`${String(number).padStart(5)}  ${line}`.trimEnd());
      number++;
    } else {
      number = Number(marker[1]);
      if (marker[2] !== file) out.push('', `${marker[2] ?? ''}:`);
      file = marker[2] ?? '';
    }
  }
  while (/^\s*\d*$/.test(out.at(-1) ?? 'x')) out.pop();
  return out.join('\n') + '\n';
}
