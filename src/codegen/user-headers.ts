import { UNIT_NAMES } from '../user-c/source.ts';
import type { UserC } from '../user-c/user-c.ts';
import { flag } from './flag.ts';

/** Bytes of an event for the fields of an action: whether there are some, then they. */
export const userBytes = ({ layout }: UserC): number =>
  layout === undefined ? 0 : 8 + 8 * Math.ceil(layout.bytes / 8);

/** The user's text as it is, and asserts that its fields are where we take them to be. */
export function userHeaders(user: UserC): Record<string, string> {
  const { filter, action, layout } = user;
  const offsets = (layout?.fields ?? []).map(
    ({ name, offset }) =>
      `_Static_assert(__builtin_offsetof(struct xcap_user_extend, ${name}) == ${offset}, "${name}");`,
  );
  return {
    'user.gen.h': [
      `#define XCAP_FILTER_C ${flag(filter !== undefined)}`,
      `#define XCAP_ACTION_C ${flag(action !== undefined)}`,
      `#define XCAP_USER_WORDS ${Math.max(0, userBytes(user) / 8 - 1)}`,
      '',
    ].join('\n'),
    'user-check.gen.h': [
      ...offsets,
      `_Static_assert(sizeof(struct xcap_user_extend) == ${layout?.bytes ?? 0}, "size");`,
      '',
    ].join('\n'),
    // Both are named in the template, whether they are there or not.
    [UNIT_NAMES['--filter-c']]: filter?.text ?? '',
    [UNIT_NAMES['--action-c']]: action?.text ?? '',
  };
}
