import { COUNTERS } from './counters.ts';
import { EVENT_BYTES, EVENT_FIELDS } from './events.ts';

/** The C of events.gen.h: struct xcap_event, struct xcap_counts and the counters' numbers. */
export function emitEventHeader(): string {
  const members = EVENT_FIELDS.map(
    ({ name, type, count }) => `\t${type} ${name}${count > 1 ? `[${count}]` : ''};`,
  );
  const asserts = EVENT_FIELDS.map(
    ({ name, offset }) =>
      `_Static_assert(__builtin_offsetof(struct xcap_event, ${name}) == ${offset}, "${name}");`,
  );
  const counters = COUNTERS.map((name, i) => `#define XCAP_COUNT_${name.toUpperCase()} ${i}`);
  return [
    'struct xcap_event {',
    ...members,
    '};',
    ...asserts,
    `_Static_assert(sizeof(struct xcap_event) == ${EVENT_BYTES}, "size");`,
    '',
    ...counters,
    `#define XCAP_COUNTERS ${COUNTERS.length}`,
    'struct xcap_counts {',
    '\tu64 count[XCAP_COUNTERS];',
    '};',
    '',
  ].join('\n');
}
