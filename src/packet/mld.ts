import { nameOf } from './dissection.ts';
import type { Dissection } from './dissection.ts';

const QUERY = 130;
const REPORT_V2 = 143;
const LENGTH_V1 = 24;
const MIN_QUERY_V2 = 28;

const RECORD_TYPES: Readonly<Record<number, string>> = {
  1: 'is_in',
  2: 'is_ex',
  3: 'to_in',
  4: 'to_ex',
  5: 'allow',
  6: 'block',
};

/** Multicast listener discovery, version 1 (RFC 2710) and 2 (RFC 3810); `at` is the ICMPv6 header. */
export function printListenerMessage(
  d: Dissection,
  type: number,
  at: number,
  length: number,
): void {
  if (type === REPORT_V2) {
    printReportV2(d, at, length);
  } else if (type !== QUERY || length === LENGTH_V1) {
    if (!d.has(at, LENGTH_V1)) return;
    d.print(`max resp delay: ${d.u16(at + 4)} addr: ${d.ipv6(at + 8)}`);
  } else if (length >= MIN_QUERY_V2) {
    d.print(' v2');
    printQueryV2(d, at, length);
  } else {
    d.print(` unknown-version (len ${length}) `);
  }
}

function printQueryV2(d: Dissection, at: number, length: number): void {
  const verbose = d.options.verbose > 0;
  if (verbose) d.print(` [max resp delay=${responseDelay(d.u16(at + 4))}]`);
  d.print(` [gaddr ${d.ipv6(at + 8)}`);
  if (verbose) {
    const flags = d.u8(at + 24);
    if ((flags & 8) !== 0) d.print(' sflag');
    if ((flags & 7) !== 0) d.print(` robustness=${flags & 7}`);
    d.print(` qqi=${queryInterval(d.u8(at + 25))}`);
  }
  const sources = d.u16(at + 26);
  if (sources > 0) {
    if (length < MIN_QUERY_V2 + 16 * sources) d.print(' [invalid number of sources]');
    else d.print(sourcesText(d, at + MIN_QUERY_V2, sources));
  }
  d.print(']');
}

/** RFC 3810 section 5.1.3. */
function responseDelay(code: number): number {
  return code < 0x8000 ? code : ((code & 0x0fff) | 0x1000) << (((code >>> 12) & 7) + 3);
}

/** RFC 3810 section 5.1.9. */
function queryInterval(code: number): number {
  return code < 0x80 ? code : ((code & 0x0f) | 0x10) << (((code >>> 4) & 7) + 3);
}

function printReportV2(d: Dissection, at: number, length: number): void {
  if (length < 8) {
    d.print(` [invalid len ${length}]`);
    return;
  }
  const groups = d.u16(at + 6);
  d.print(`, ${groups} group record(s)`);
  if (d.options.verbose === 0) return;
  let offset = 8;
  for (let i = 0; i < groups; i++) {
    if (length < offset + 20) {
      d.print(' [invalid number of groups]');
      return;
    }
    const record = at + offset;
    const type = d.u8(record);
    d.print(` [gaddr ${d.ipv6(record + 4)}`);
    d.print(` ${nameOf(RECORD_TYPES, type, ` [v2-report-#${type}]`)}`);
    const sources = d.u16(record + 2);
    if (length < offset + 20 + 16 * sources) {
      d.print(` [invalid number of sources ${sources}]`);
      return;
    }
    d.print(`${sourcesText(d, record + 20, sources)}]`);
    offset += 20 + 16 * sources;
  }
}

function sourcesText(d: Dissection, at: number, count: number): string {
  if (d.options.verbose < 2) return `, ${count} source(s)`;
  let text = ' {';
  for (let i = 0; i < count; i++) text += ` ${d.ipv6(at + 16 * i)}`;
  return `${text} }`;
}
