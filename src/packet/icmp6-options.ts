import { formatIpv6 } from './address.ts';
import { flagNames, nameOf, TRUNCATED } from './dissection.ts';
import type { Dissection } from './dissection.ts';

const NAMES: Readonly<Record<number, string>> = {
  1: 'source link-address',
  2: 'destination link-address',
  3: 'prefix info',
  4: 'redirected header',
  5: 'mtu',
  7: 'advertisement interval',
  8: 'homeagent information',
  24: 'route info',
  25: 'rdnss',
  31: 'dnssl',
};

const PREFIX_FLAGS = [
  [0x80, 'onlink'],
  [0x40, 'auto'],
  [0x20, 'router'],
] as const;

/** RFC 4191 section 2.1. */
const PREFERENCES = ['medium', 'high', 'rsv', 'low'] as const;

export function preferenceText(flags: number): string {
  return PREFERENCES[((flags >>> 3) & 3) as 0 | 1 | 2 | 3];
}

/** The options of neighbor discovery messages (RFC 4861 section 4.6), one line each. */
export function printNeighborOptions(d: Dissection, at: number, length: number): void {
  for (let offset = at; offset < at + length && d.has(offset, 1);) {
    const words = d.u8(offset + 1);
    const type = d.u8(offset);
    const size = words * 8;
    if (words === 0) throw TRUNCATED;
    d.need(offset, size);
    d.print(
      `\n\t  ${nameOf(NAMES, type, 'unknown')} option (${type}), length ${size} (${words}): `,
    );
    d.print(optionText(d, type, offset, words));
    offset += size;
  }
}

function optionText(d: Dissection, type: number, at: number, words: number): string {
  switch (type) {
    case 1:
    case 2:
      return d.hex(at + 2, words * 8 - 2, ':');
    case 3:
      return (
        `${d.ipv6(at + 16)}/${d.u8(at + 2)}${words === 4 ? '' : 'badlen'}` +
        `, Flags [${flagNames(PREFIX_FLAGS, d.u8(at + 3), ', ', 'none')}]` +
        `, valid time ${lifetimeText(d.u32(at + 4))}, pref. time ${lifetimeText(d.u32(at + 8))}`
      );
    case 5:
      return ` ${d.u32(at + 4)}${words === 1 ? '' : 'bad option length'}`;
    case 7:
      return ` ${d.u32(at + 4)}ms`;
    case 8:
      return ` preference ${d.u16(at + 4)}, lifetime ${d.u16(at + 6)}`;
    case 24:
      return routeText(d, at, words);
    case 25: {
      let text = ` lifetime ${d.u32(at + 4)}s,`;
      for (let i = 0; i < Math.floor((words - 1) / 2); i++) {
        text += ` addr: ${d.ipv6(at + 8 + 16 * i)}`;
      }
      return text;
    }
    case 31:
      return ` lifetime ${d.u32(at + 4)}s`;
    default:
      return '';
  }
}

/** RFC 4191 section 2.3: as much of the prefix as the option has room for. */
function routeText(d: Dissection, at: number, words: number): string {
  if (words > 3) throw TRUNCATED;
  const prefix = new Uint8Array(16);
  prefix.set(d.data.subarray(at + 8, at + words * 8));
  return (
    ` ${formatIpv6(prefix, 0)}/${d.u8(at + 2)}, pref=${preferenceText(d.u8(at + 3))}` +
    `, lifetime=${lifetimeText(d.u32(at + 4))}`
  );
}

function lifetimeText(seconds: number): string {
  return seconds === 0xffffffff ? 'infinity' : `${seconds}s`;
}
