import type { OptionSpec } from './option-spec.ts';
import { spelling } from './option-spec.ts';

/** Options of a capture outside the groups `trace` and `match` that mean the same to `xcap top`. */
const SHARED: ReadonlySet<string> = new Set([
  ...['json', 'utc', 'duration', 'dry-run', 'ready-file', 'without-feature', 'version'],
  ...['no-names', 'verbose', 'line-buffered', 'packet-buffered'],
]);
/** What the help says of some of them. */
const HELP: Readonly<Record<string, string>> = {
  json: 'JSON lines: one for each row that changed, each interval; the totals at the end',
  verbose: 'what was chosen and left out by profiles and patterns',
  'line-buffered': '',
  'packet-buffered': '',
};
/** They are about one packet each, or about what a capture leaves behind. */
const NOT_SHARED: ReadonlySet<string> = new Set(['list-interfaces', 'run']);

/** A capture's options as `xcap top` takes them: those that are about packets kept say that none is. */
export function forTop(options: readonly OptionSpec[]): readonly OptionSpec[] {
  return options
    .filter(({ key }) => key !== 'help')
    .map((option) => {
      const { key, group, status, help } = option;
      const same = (group === 'trace' || group === 'match') && !NOT_SHARED.has(key);
      if (same || SHARED.has(key)) return { ...option, help: HELP[key] ?? help };
      if (status === 'accepted' || status === 'refused') return option;
      return {
        ...option,
        status: 'refused',
        help: '',
        why: 'top counts packets and keeps none',
        hint:
          key === 'max-packets'
            ? '--duration TIME ends it'
            : `leave it out, or capture: xcap ${spelling(option)} ...`,
      };
    });
}
