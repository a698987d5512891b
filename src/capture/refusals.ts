import type { UnsupportedError } from '../errors.ts';
import type { ResolvedHook } from '../hooks/resolved.ts';

/** A hook that the kernel would not attach to, in a run that goes on without it. */
export interface Refusal {
  readonly hook: ResolvedHook;
  readonly error: UnsupportedError;
}

/** More are counted only: `all` can have dozens. */
const NAMED = 5;

/** `4 of 1336 hooks could not be attached: a, b, c, d`, then why the first was refused. */
export function describeRefusals(refused: readonly Refusal[], hooks: number): readonly string[] {
  const [first] = refused;
  if (first === undefined) return [];
  if (refused.length === 1) return [`${first.error.message}: left out`];
  const names = refused.slice(0, NAMED).map(({ hook }) => hook.id);
  const more = refused.length > NAMED ? `, and ${refused.length - NAMED} more` : '';
  return [
    `${refused.length} of ${hooks} hooks could not be attached and are left out: ${names.join(', ')}${more}`,
    `the first of them: ${first.error.message}`,
  ];
}
