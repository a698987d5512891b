import { UsageError } from '../errors.ts';
import { userLayout, type UserLayout } from './layout.ts';
import {
  requireFunction,
  UNIT_NAMES,
  userError,
  userWants,
  type UserSource,
  type UserWants,
} from './source.ts';

/** What --filter-c and --action-c bring into a run. */
export interface UserC {
  readonly filter: UserSource | undefined;
  readonly action: UserSource | undefined;
  readonly wants: UserWants;
  /** Of the action's fields; undefined without --action-c. */
  readonly layout: UserLayout | undefined;
}

export const NO_USER_C: UserC = {
  filter: undefined,
  action: undefined,
  wants: {},
  layout: undefined,
};

/**
 * Reads what the files say about themselves; the C itself is judged by the compiler.
 *
 * @throws UsageError, FilterError with the place
 */
export function parseUserC(filter: UserSource | undefined, action: UserSource | undefined): UserC {
  const wants: Record<string, string[]> = {};
  for (const source of [filter, action]) {
    if (source === undefined) continue;
    requireFunction(source);
    for (const [struct, members] of Object.entries(userWants(source))) {
      (wants[struct] ??= []).push(...members);
    }
  }
  let layout: UserLayout | undefined;
  if (action !== undefined) {
    layout = userLayout(action);
    if (layout === undefined || layout.fields.length === 0) {
      throw new UsageError(
        `reading --action-c: ${action.path}: defines no struct xcap_user_extend`,
        {
          hint: 'its fields are what the events get: docs/user-c.md',
        },
      );
    }
  }
  return { filter, action, wants, layout };
}

const MESSAGE = /^(?:.*\/)?(filter-c|action-c)\.user\.h:(\d+):(\d+): (?:fatal )?error: (.*)$/m;

/**
 * The compiler's first complaint about the user's text. What it says of ours is about the user's
 * too, when there is some: a brace that is not closed shows behind it.
 *
 * @returns undefined without user C
 */
export function userCompileError(user: UserC, messages: string): Error | undefined {
  const [, unit, line, column, why = ''] = MESSAGE.exec(messages) ?? [];
  const source = [user.filter, user.action].find(
    (each) => each !== undefined && UNIT_NAMES[each.option] === `${unit ?? ''}.user.h`,
  );
  if (source === undefined) return anyUserError(user, messages);
  return userError(
    source,
    Number(line),
    Number(column),
    why,
    'what user C may use: docs/user-c.md',
  );
}

function anyUserError(user: UserC, messages: string): Error | undefined {
  const source = user.action ?? user.filter;
  if (source === undefined) return undefined;
  const last = source.text.trimEnd().split('\n').length;
  const lines = messages.trim().split('\n');
  const said = lines.find((line) => line.includes('error:')) ?? lines.at(-1) ?? '';
  const hint = 'a brace or comment that is not closed, or more than 512 bytes on the stack?';
  return userError(source, last, 1, `the compiler gave up behind it: ${said}`, hint);
}
