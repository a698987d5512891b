import { onesComplementSum } from './checksum.ts';
import { nameOf } from './dissection.ts';
import type { Dissection } from './dissection.ts';

const RECORD_TYPES: Readonly<Record<number, string>> = {
  1: 'is_in',
  2: 'is_ex',
  3: 'to_in',
  4: 'to_ex',
  5: 'allow',
  6: 'block',
};
/** The default of ten seconds goes without saying. */
const DEFAULT_RESPONSE_TIME = 100;

/** IGMP versions 1 to 3 (RFC 1112, RFC 2236, RFC 3376). */
export function printIgmp(d: Dissection, at: number, length: number): void {
  d.protocol = 'igmp';
  if (d.options.quiet) {
    d.print('igmp');
    return;
  }
  const type = d.u8(at);
  switch (type) {
    case 0x11:
      d.print('igmp query');
      if (length >= 12) printQueryV3(d, at, length);
      else printQuery(d, at, length);
      break;
    case 0x12:
      d.print(`igmp v1 report ${d.ipv4(at + 4)}${length === 8 ? '' : ` [len ${length}]`}`);
      break;
    case 0x16:
      d.print(`igmp v2 report ${d.ipv4(at + 4)}`);
      break;
    case 0x17:
      d.print(`igmp leave ${d.ipv4(at + 4)}`);
      break;
    case 0x22:
      d.print('igmp v3 report');
      printReportV3(d, at, length);
      break;
    default:
      d.print(`igmp-${type}`);
  }
  if (d.options.verbose > 0 && length >= 4 && d.has(at, length)) {
    if (onesComplementSum(d.data, at, length) !== 0xffff) {
      d.print(` bad igmp cksum ${d.u16(at + 2).toString(16)}!`);
    }
  }
}

function printQuery(d: Dissection, at: number, length: number): void {
  const responseTime = d.u8(at + 1);
  d.print(responseTime === 0 ? ' v1' : ' v2');
  if (responseTime !== 0 && responseTime !== DEFAULT_RESPONSE_TIME) {
    d.print(` [max resp time ${responseTime}]`);
  }
  if (d.u32(at + 4) !== 0) d.print(` [gaddr ${d.ipv4(at + 4)}]`);
  if (length !== 8) d.print(` [len ${length}]`);
}

function printQueryV3(d: Dissection, at: number, length: number): void {
  d.print(' v3');
  if ((length & 3) !== 0) {
    d.print(` [invalid len ${length}]`);
    return;
  }
  const code = d.u8(at + 1);
  if (code !== DEFAULT_RESPONSE_TIME) d.print(` [max resp time ${responseTimeText(code)}]`);
  if (d.u32(at + 4) === 0) return;
  d.print(` [gaddr ${d.ipv4(at + 4)}`);
  const sources = d.u16(at + 10);
  if (sources > 0) {
    if (length < 12 + 4 * sources) d.print(' [invalid number of sources]');
    else d.print(sourcesText(d, at + 12, sources));
  }
  d.print(']');
}

/** RFC 3376 section 4.1.1: tenths of a second, above 127 with an exponent. */
function responseTimeText(code: number): string {
  const tenths = code < 128 ? code : ((code & 0x0f) | 0x10) << (((code >>> 4) & 7) + 3);
  if (tenths < 600) return `${(tenths / 10).toFixed(1)}s`;
  const seconds = Math.floor(tenths / 10);
  const parts = [
    [Math.floor(seconds / 3600), 'h'],
    [Math.floor((seconds % 3600) / 60), 'm'],
    [seconds % 60, 's'],
  ] as const;
  return parts.map(([value, unit]) => (value === 0 ? '' : `${value}${unit}`)).join('');
}

function printReportV3(d: Dissection, at: number, length: number): void {
  if (length < 16 || (length & 3) !== 0) {
    d.print(` [invalid len ${length}]`);
    return;
  }
  const groups = d.u16(at + 6);
  d.print(`, ${groups} group record(s)`);
  if (d.options.verbose === 0) return;
  let offset = 8;
  for (let i = 0; i < groups; i++) {
    if (length < offset + 8) {
      d.print(' [invalid number of groups]');
      return;
    }
    const record = at + offset;
    const type = d.u8(record);
    d.print(` [gaddr ${d.ipv4(record + 4)}`);
    d.print(` ${nameOf(RECORD_TYPES, type, ` [v3-report-#${type}]`)}`);
    const sources = d.u16(record + 2);
    if (length < offset + 8 + 4 * sources) {
      d.print(` [invalid number of sources ${sources}]`);
      return;
    }
    d.print(d.options.verbose > 1 && sources === 0 ? ' { }' : sourcesText(d, record + 8, sources));
    d.print(']');
    offset += 8 + 4 * sources;
  }
}

function sourcesText(d: Dissection, at: number, count: number): string {
  if (d.options.verbose < 2) return `, ${count} source(s)`;
  let text = ' {';
  for (let i = 0; i < count; i++) text += ` ${d.ipv4(at + 4 * i)}`;
  return `${text} }`;
}
