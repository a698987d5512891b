import type { OptionSpec, OptionStatus, OptionType } from './option-spec.ts';

/** Short and long form, either may be empty; then what the status wants to say. */
type Row = readonly [short: string, long: string, type?: OptionType, why?: string, hint?: string];

const NOT_YET: readonly Row[] = [
  ['r', '', 'value'],
  ['C', '', 'value'],
  ['G', '', 'value'],
  ['W', '', 'value'],
  ['z', '', 'value'],
  ['Q', 'direction', 'value'],
];

const HARMLESS: readonly Row[] = [
  ['b', ''],
  ['f', ''],
  ['H', ''],
  ['K', 'dont-verify-checksums'],
  ['N', ''],
  ['p', 'no-promiscuous-mode'],
  ['u', ''],
  ['', 'immediate-mode'],
  ['', 'nano'],
];

const SENSELESS: readonly Row[] = [
  ['', 'micro', 'flag', 'times are in nanoseconds'],
  ['#', 'number', 'flag', 'lines are not numbered', 'xcap ... | cat -n'],
  ['', 'count', 'flag', 'the summary at the end counts', 'to end after 10 packets: -c 10'],
  ['E', '', 'value', 'nothing is decrypted'],
  ['I', 'monitor-mode', 'flag', 'xcap puts no device in another mode'],
  ['j', 'time-stamp-type', 'value', 'the time is always that of the event'],
  ['J', 'list-time-stamp-types', 'flag', 'the time is always that of the event'],
  ['L', 'list-data-link-types', 'flag', 'there are two everywhere', 'EN10MB and RAW'],
  ['m', '', 'value', 'SNMP is not decoded', '-w FILE, then tcpdump -m MODULE -r FILE'],
  ['M', '', 'value', 'TCP digests are not checked', '-w FILE, then tcpdump -M SECRET -r FILE'],
  ['T', '', 'value', 'payloads are not decoded', '-w FILE, then tcpdump -T TYPE -r FILE'],
  ['V', '', 'value', 'xcap traces this host', 'tcpdump -V FILE'],
  ['Z', 'relinquish-privileges', 'value', 'a tracer needs its privileges to the end'],
];

function options(status: OptionStatus, rows: readonly Row[]): readonly OptionSpec[] {
  return rows.map(([short, long, type, why, hint]) => ({
    key: long === '' ? short : long,
    ...(long === '' ? {} : { long }),
    ...(short === '' ? {} : { short }),
    type: type ?? 'flag',
    group: 'other',
    help: '',
    status,
    ...(why === undefined ? {} : { why }),
    ...(hint === undefined ? {} : { hint }),
  }));
}

/**
 * The rest of tcpdump 4.99's options (tcpdump(8)), none of them in the help: what is harmless is
 * ignored, what would be a silent lie is refused by name.
 */
export const TCPDUMP_OPTIONS: readonly OptionSpec[] = [
  ...options('not-yet', NOT_YET),
  ...options('accepted', HARMLESS),
  ...options('refused', SENSELESS),
  {
    key: 'time-stamp-precision',
    long: 'time-stamp-precision',
    type: 'value',
    argument: 'PRECISION',
    choices: ['nano'],
    group: 'other',
    help: '',
    status: 'accepted',
  },
];
