/** User C of --filter-c and --action-c: what the text says about itself. See docs/user-c.md. */

import { FilterError, UsageError } from '../errors.ts';

/** A file of the user's. */
export interface UserSource {
  readonly option: '--filter-c' | '--action-c';
  /** As the user named it. */
  readonly path: string;
  readonly text: string;
}

/** Name of the text in the compiler's messages, by option. */
export const UNIT_NAMES = {
  '--filter-c': 'filter-c.user.h',
  '--action-c': 'action-c.user.h',
} as const;

/** Struct name -> members, as the templates' own wants. */
export type UserWants = Readonly<Record<string, readonly string[]>>;

const KERNEL_LINE = /^\s*\/\/\s*kernel:(.*)$/;
const MEMBER = /^([A-Za-z_]\w*)\.([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)$/;
const INCLUDE = /^\s*#\s*include\b/;

/** An error at a place of the user's text: shown with the line and a caret. */
export function userError(
  source: UserSource,
  line: number,
  column: number,
  why: string,
  hint: string,
): FilterError {
  const text = (source.text.split('\n')[line - 1] ?? '').replaceAll('\t', ' ');
  const place = `${source.path}:${line}:${column}`;
  return new FilterError(
    text,
    Math.max(0, column - 1),
    `compiling ${source.option}: ${place}: ${why}`,
    {
      hint,
    },
  );
}

/**
 * The kernel members that `// kernel: sk_buff.mark sock.sk_priority` lines ask for.
 *
 * @throws FilterError for a word that is no `struct.member`, and for an #include
 */
export function userWants(source: UserSource): UserWants {
  const wants: Record<string, string[]> = {};
  source.text.split('\n').forEach((line, i) => {
    if (INCLUDE.test(line)) {
      const hint = 'types of the kernel come by lines such as // kernel: sk_buff.mark iphdr.saddr';
      throw userError(source, i + 1, line.indexOf('#') + 1, 'there is nothing to include', hint);
    }
    for (const word of KERNEL_LINE.exec(line)?.[1]?.split(/[\s,]+/) ?? []) {
      if (word === '') continue;
      const [, struct = '', member = ''] = MEMBER.exec(word) ?? [];
      if (struct === '') {
        const hint = 'for example // kernel: sk_buff.mark iphdr.saddr';
        throw userError(source, i + 1, line.indexOf(word) + 1, `${word}: no struct.member`, hint);
      }
      (wants[struct] ??= []).push(member);
    }
  });
  return wants;
}

/** The function that a file has to define; named as netcap's users know it. */
export const FUNCTIONS = {
  '--filter-c': 'xcap_ext_filter',
  '--action-c': 'xcap_ext_action',
} as const;

/** @throws UsageError when the file does not define what is called */
export function requireFunction(source: UserSource): void {
  const name = FUNCTIONS[source.option];
  if (source.text.includes('\0')) {
    throw new UsageError(`reading ${source.option}: ${source.path}: holds a zero byte: no text`);
  }
  if (new RegExp(`\\b${name}\\s*\\(`).test(source.text)) return;
  throw new UsageError(`reading ${source.option}: ${source.path}: defines no ${name}()`, {
    hint: `static inline int ${name}(${
      source.option === '--filter-c'
        ? 'void *ext, void *pkt, u16 trace_index'
        : 'void *ext, void *pkt, u32 pkt_len, struct xcap_user_extend *user, u16 trace_index'
    }): docs/user-c.md`,
  });
}
