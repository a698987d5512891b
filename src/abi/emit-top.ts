import { emitStruct } from './emit-c.ts';
import { TOP_DIMENSIONS, topKeyBytes, topKeyFields, type TopDimension } from './top.ts';

/** The C of top.gen.h: the key and sums of a row; undefined: events are sent, not counted. */
export function emitTopHeader(by: readonly TopDimension[] | undefined): string {
  if (by === undefined) return '#define XCAP_TOP 0\n';
  return [
    '#define XCAP_TOP 1',
    ...TOP_DIMENSIONS.map(
      (name) => `#define XCAP_TOP_${name.toUpperCase()} ${by.includes(name) ? 1 : 0}`,
    ),
    '',
    ...emitStruct('xcap_top_key', topKeyFields(by), topKeyBytes(by)),
    '',
    'struct xcap_top_sums {',
    '\tu64 packets;',
    '\tu64 bytes;',
    '};',
    '',
  ].join('\n');
}
