import { COUNTERS } from './counters.ts';
import {
  EVENT_BYTES,
  EVENT_FIELDS,
  EVENT_FLAGS,
  STACK_FAILED,
  SOCKET_BYTES,
  SOCKET_FIELDS,
  SYNTH_LAYERS,
  type EventField,
} from './events.ts';
import { FOLLOW_SIDES, OWNER_SOURCES, WHO_BYTES, WHO_COUNTS, WHO_FIELDS } from './who.ts';

/** The C of events.gen.h: struct xcap_event, xcap_socket, xcap_counts and the counters' numbers. */
export function emitEventHeader(): string {
  const counters = COUNTERS.map((name, i) => `#define XCAP_COUNT_${name.toUpperCase()} ${i}`);
  return [
    ...emitStruct('xcap_event', EVENT_FIELDS, EVENT_BYTES),
    '',
    ...Object.entries(EVENT_FLAGS).map(
      ([name, bit]) => `#define XCAP_EVENT_${name.toUpperCase()} ${bit}`,
    ),
    ...Object.entries(SYNTH_LAYERS).map(
      ([name, bit]) => `#define XCAP_SYNTH_${name.toUpperCase()} ${bit}`,
    ),
    `#define XCAP_STACK_FAILED 0x${STACK_FAILED.toString(16)}u`,
    '',
    ...emitStruct('xcap_socket', SOCKET_FIELDS, SOCKET_BYTES),
    '',
    ...emitStruct('xcap_who', WHO_FIELDS, WHO_BYTES),
    ...WHO_COUNTS.map((name, i) => `#define XCAP_WHO_${name.toUpperCase()} ${i}`),
    ...OWNER_SOURCES.flatMap((name, i) =>
      name === undefined ? [] : [`#define XCAP_OWNER_BY_${name.toUpperCase()} ${i}`],
    ),
    ...Object.entries(FOLLOW_SIDES).map(
      ([name, side]) => `#define XCAP_FOLLOW_${name.toUpperCase()} ${side}`,
    ),
    '',
    ...counters,
    `#define XCAP_COUNTERS ${COUNTERS.length}`,
    'struct xcap_counts {',
    '\tu64 count[XCAP_COUNTERS];',
    '};',
    '',
  ].join('\n');
}

/** A struct that is asserted to be laid out as its table says. */
export function emitStruct(struct: string, fields: readonly EventField[], bytes: number): string[] {
  const members = fields.map(
    ({ name, type, count }) => `\t${type} ${name}${count > 1 ? `[${count}]` : ''};`,
  );
  const asserts = fields.map(
    ({ name, offset }) =>
      `_Static_assert(__builtin_offsetof(struct ${struct}, ${name}) == ${offset}, "${name}");`,
  );
  return [
    `struct ${struct} {`,
    ...members,
    '};',
    ...asserts,
    `_Static_assert(sizeof(struct ${struct}) == ${bytes}, "size");`,
  ];
}
