import { checksumShouldBe, onesComplementSum } from './checksum.ts';
import { hexNumber, nameOf } from './dissection.ts';
import type { Dissection, IpContext } from './dissection.ts';
import { PROTOCOL } from './protocols.ts';

const TYPE = {
  echoReply: 0,
  unreachable: 3,
  sourceQuench: 4,
  redirect: 5,
  echo: 8,
  routerAdvertisement: 9,
  timeExceeded: 11,
  parameterProblem: 12,
  timestamp: 13,
  timestampReply: 14,
  maskReply: 18,
} as const;

/** Those that quote the packet that caused them. */
const ERRORS: ReadonlySet<number> = new Set([3, 4, 5, 11, 12]);

const NAMES: Readonly<Record<number, string>> = {
  4: 'source quench',
  10: 'router solicitation',
  15: 'information request',
  16: 'information reply',
  17: 'address mask request',
};

/** By code of destination unreachable (RFC 792, RFC 1122, RFC 1812); %s is the destination. */
const UNREACHABLE: Readonly<Record<number, string>> = {
  0: 'net %s unreachable',
  1: 'host %s unreachable',
  5: '%s unreachable - source route failed',
  6: 'net %s unreachable - unknown',
  7: 'host %s unreachable - unknown',
  8: '%s unreachable - source host isolated',
  9: 'net %s unreachable - admin prohibited',
  10: 'host %s unreachable - admin prohibited',
  11: 'net %s unreachable - tos prohibited',
  12: 'host %s unreachable - tos prohibited',
  13: 'host %s unreachable - admin prohibited filter',
  14: 'host %s unreachable - host precedence violation',
  15: 'host %s unreachable - precedence cutoff',
};

const HEADER_LENGTH = 8;

/** ICMP, RFC 792. */
export function printIcmp(d: Dissection, at: number, length: number, ip: IpContext): void {
  d.protocol = 'icmp';
  const type = d.u8(at);
  const text = messageText(d, type, d.u8(at + 1), at);
  d.print(`ICMP ${text}, length ${length}`);
  if (d.options.verbose === 0) return;
  if (!ip.fragmented && d.has(at, length) && length >= 4) {
    const checksum = d.u16(at + 2);
    const right = checksumShouldBe(checksum, onesComplementSum(d.data, at, length));
    if (right !== undefined) {
      d.print(` (wrong icmp cksum ${checksum.toString(16)} (->${right.toString(16)})!)`);
    }
  }
  if (ERRORS.has(type)) printQuoted(d, at + HEADER_LENGTH);
}

/** The packet that an error quotes, on a line of its own; its length is taken at its word. */
function printQuoted(d: Dissection, at: number): void {
  d.print('\n\t');
  const length = d.u16(at + 2);
  const outerEnd = d.end;
  d.end = Math.min(d.end, at + length);
  d.layers.ipv4(d, at, length);
  d.end = outerEnd;
}

function messageText(d: Dissection, type: number, code: number, at: number): string {
  const quoted = at + HEADER_LENGTH;
  switch (type) {
    case TYPE.echo:
    case TYPE.echoReply:
      return `echo ${type === TYPE.echo ? 'request' : 'reply'}, ${idText(d, at, ',')}`;
    case TYPE.unreachable:
      return unreachableText(d, code, at);
    case TYPE.redirect: {
      const gateway = d.ipv4(at + 4);
      const dst = d.ipv4(quoted + 16);
      if (code > 3) return `redirect-#${code} ${dst} to ${gateway}`;
      const what = code < 2 ? 'redirect' : 'redirect-tos';
      return `${what} ${dst} to ${(code & 1) === 0 ? 'net' : 'host'} ${gateway}`;
    }
    case TYPE.routerAdvertisement:
      return advertisementText(d, at);
    case TYPE.timeExceeded:
      d.need(quoted + 16, 4);
      if (code === 0) return 'time exceeded in-transit';
      return code === 1 ? 'ip reassembly time exceeded' : `time exceeded-#${code}`;
    case TYPE.parameterProblem:
      return `parameter problem - ${code === 0 ? `octet ${d.u8(at + 4)}` : `code ${code}`}`;
    case TYPE.maskReply:
      return `address mask is ${hexNumber(d.u32(quoted), 8)}`;
    case TYPE.timestamp:
      return `time stamp query ${idText(d, at, '')}`;
    case TYPE.timestampReply:
      return (
        `time stamp reply ${idText(d, at, '')}: org ${dayTime(d.u32(quoted))}, ` +
        `recv ${dayTime(d.u32(quoted + 4))}, xmit ${dayTime(d.u32(quoted + 8))}`
      );
    default:
      return nameOf(NAMES, type, `type-#${type}`);
  }
}

function idText(d: Dissection, at: number, separator: string): string {
  return `id ${d.u16(at + 4)}${separator} seq ${d.u16(at + 6)}`;
}

function unreachableText(d: Dissection, code: number, at: number): string {
  const quoted = at + HEADER_LENGTH;
  const template = UNREACHABLE[code];
  if (template !== undefined) return template.replace('%s', d.ipv4(quoted + 16));
  const dst = d.ipv4(quoted + 16);
  const protocol = d.u8(quoted + 9);
  switch (code) {
    case 2:
      return `${dst} protocol ${protocol} unreachable`;
    case 3: {
      const port = d.u16(quoted + (d.u8(quoted) & 0x0f) * 4 + 2);
      if (protocol === PROTOCOL.tcp) return `${dst} tcp port ${port} unreachable`;
      if (protocol === PROTOCOL.udp) return `${dst} udp port ${port} unreachable`;
      return `${dst} protocol ${protocol} port ${port} unreachable`;
    }
    case 4: {
      const mtu = d.u16(at + 6);
      return `${dst} unreachable - need to frag${mtu === 0 ? '' : ` (mtu ${mtu})`}`;
    }
    default:
      return `${dst} unreachable - #${code}`;
  }
}

/** RFC 1256 section 4. */
function advertisementText(d: Dissection, at: number): string {
  const count = d.u8(at + 4);
  const size = d.u8(at + 5);
  const text = `router advertisement lifetime ${lifetimeText(d.u16(at + 6))} ${count}:`;
  if (size !== 2) return `${text} [size ${size}]`;
  let routers = '';
  for (let i = 0; i < count; i++) {
    const entry = at + HEADER_LENGTH + 8 * i;
    routers += ` {${d.ipv4(entry)} ${d.u32(entry + 4)}}`;
  }
  return text + routers;
}

function lifetimeText(seconds: number): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  if (seconds < 60) return String(seconds);
  if (seconds < 3600) return `${Math.floor(seconds / 60)}:${two(seconds % 60)}`;
  const minutes = Math.floor((seconds % 3600) / 60);
  return `${Math.floor(seconds / 3600)}:${two(minutes)}:${two(seconds % 60)}`;
}

/** Milliseconds since midnight UTC. */
function dayTime(milliseconds: number): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const seconds = Math.floor(milliseconds / 1000);
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const fraction = String(milliseconds % 1000).padStart(3, '0');
  return `${two(hours)}:${two(minutes)}:${two(seconds % 60)}.${fraction}`;
}
