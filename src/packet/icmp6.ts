import { checksumShouldBe, transportSum } from './checksum.ts';
import { flagNames, hexNumber, nameOf, TRUNCATED } from './dissection.ts';
import type { Dissection, IpContext } from './dissection.ts';
import { preferenceText, printNeighborOptions } from './icmp6-options.ts';
import { printListenerMessage } from './mld.ts';
import { PROTOCOL } from './protocols.ts';

const TYPE = {
  unreachable: 1,
  tooBig: 2,
  timeExceeded: 3,
  parameterProblem: 4,
  echo: 128,
  echoReply: 129,
  listenerQuery: 130,
  listenerReport: 131,
  listenerDone: 132,
  routerSolicitation: 133,
  routerAdvertisement: 134,
  neighborSolicitation: 135,
  neighborAdvertisement: 136,
  redirect: 137,
  listenerReportV2: 143,
} as const;

const NAMES: Readonly<Record<number, string>> = {
  1: 'destination unreachable',
  2: 'packet too big',
  3: 'time exceeded in-transit',
  4: 'parameter problem',
  128: 'echo request',
  129: 'echo reply',
  130: 'multicast listener query',
  131: 'multicast listener report',
  132: 'multicast listener done',
  133: 'router solicitation',
  134: 'router advertisement',
  135: 'neighbor solicitation',
  136: 'neighbor advertisement',
  137: 'redirect',
  138: 'router renumbering',
  139: 'who-are-you request',
  140: 'who-are-you reply',
  141: 'inverse neighbor solicitation',
  142: 'inverse neighbor advertisement',
  143: 'multicast listener report v2',
  144: 'ha discovery request',
  145: 'ha discovery reply',
  146: 'mobile router solicitation',
  147: 'mobile router advertisement',
  155: 'RPL',
  200: 'mtrace response',
  201: 'mtrace message',
};

/** The stray blank is tcpdump's. */
const UNREACHABLE_NAMES: Readonly<Record<number, string>> = {
  0: 'unreachable route',
  1: ' unreachable prohibited',
  2: 'beyond scope',
  3: 'unreachable address',
  4: 'unreachable port',
};

const PARAMETER_PROBLEMS: Readonly<Record<number, string>> = {
  0: 'erroneous',
  1: 'next header',
  2: 'option',
  3: 'incomplete header chain',
};

/** Their length is printed before the details, and only with -v. */
const LENGTH_FIRST: ReadonlySet<number> = new Set([133, 134, 135, 136, 137, 145, 147]);

const ADVERTISEMENT_FLAGS = [
  [0x80, 'managed'],
  [0x40, 'other stateful'],
  [0x20, 'home agent'],
  [0x02, 'ipv6 only'],
] as const;
const NEIGHBOR_FLAGS = [
  [0x80, 'router'],
  [0x40, 'solicited'],
  [0x20, 'override'],
] as const;

const HEADER_LENGTH = 8;

/** ICMPv6 (RFC 4443), neighbor discovery (RFC 4861), listener discovery (RFC 2710, RFC 3810). */
export function printIcmp6(d: Dissection, at: number, length: number, ip: IpContext): void {
  d.protocol = 'icmp6';
  if (length === 0) {
    d.print('ICMP6, length 0 (invalid)');
    return;
  }
  const verbose = d.options.verbose > 0;
  if (verbose && !ip.fragmented && d.has(at, length)) {
    const checksum = d.u16(at + 2);
    const right = checksumShouldBe(checksum, transportSum(d, ip, PROTOCOL.icmp6, at, length));
    d.print(
      right === undefined
        ? '[icmp6 sum ok] '
        : `[bad icmp6 cksum ${hexNumber(checksum, 4)} -> ${hexNumber(right, 4)}!] `,
    );
  }
  const type = d.u8(at);
  d.print(`ICMP6, ${nameOf(NAMES, type, `unknown icmp6 type (${type})`)}`);
  if (verbose && LENGTH_FIRST.has(type)) d.print(`, length ${length}`);
  const details = printDetails(d, type, d.u8(at + 1), at, length);
  if (!verbose || !details) d.print(`, length ${length}`);
}

/** What follows the name; false when there is no printer for the type. */
function printDetails(
  d: Dissection,
  type: number,
  code: number,
  at: number,
  length: number,
): boolean {
  const quoted = at + HEADER_LENGTH;
  switch (type) {
    case TYPE.unreachable:
      printUnreachable(d, code, quoted);
      return true;
    case TYPE.tooBig:
      d.print(`, mtu ${d.u32(at + 4)}`);
      return true;
    case TYPE.timeExceeded:
      if (code === 0) d.print(` for ${d.ipv6(quoted + 24)}`);
      else d.print(code === 1 ? ' (reassembly)' : `, unknown code (${code})`);
      return true;
    case TYPE.parameterProblem: {
      d.need(quoted + 24, 16);
      const problem = PARAMETER_PROBLEMS[code];
      d.print(problem === undefined ? `, code-#${code}` : `, ${problem} - octet ${d.u32(at + 4)}`);
      return true;
    }
    case TYPE.echo:
    case TYPE.echoReply:
      d.print(`, id ${d.u16(at + 4)}, seq ${d.u16(at + 6)}`);
      return true;
    case TYPE.listenerQuery:
    case TYPE.listenerReport:
    case TYPE.listenerDone:
    case TYPE.listenerReportV2:
      printListenerMessage(d, type, at, length);
      return true;
    case TYPE.routerSolicitation:
      printOptions(d, at, length, 8);
      return true;
    case TYPE.routerAdvertisement:
      if (d.options.verbose > 0) {
        const flags = d.u8(at + 5);
        d.print(
          `\n\thop limit ${d.u8(at + 4)}, Flags [${flagNames(ADVERTISEMENT_FLAGS, flags, ', ', 'none')}]` +
            `, pref ${preferenceText(flags)}, router lifetime ${d.u16(at + 6)}s` +
            `, reachable time ${d.u32(at + 8)}ms, retrans timer ${d.u32(at + 12)}ms`,
        );
      }
      printOptions(d, at, length, 16);
      return true;
    case TYPE.neighborSolicitation:
      d.print(`, who has ${d.ipv6(quoted)}`);
      printOptions(d, at, length, 24);
      return true;
    case TYPE.neighborAdvertisement:
      d.print(`, tgt is ${d.ipv6(quoted)}`);
      if (d.options.verbose > 0) {
        d.print(`, Flags [${flagNames(NEIGHBOR_FLAGS, d.u8(at + 4), ', ', 'none')}]`);
      }
      printOptions(d, at, length, 24);
      return true;
    case TYPE.redirect:
      d.print(`, ${d.ipv6(at + 24)}`);
      d.print(` to ${d.ipv6(quoted)}`);
      printOptions(d, at, length, 40);
      return true;
    default:
      return LENGTH_FIRST.has(type);
  }
}

function printOptions(d: Dissection, at: number, length: number, header: number): void {
  if (d.options.verbose > 0) printNeighborOptions(d, at + header, length - header);
}

function printUnreachable(d: Dissection, code: number, quoted: number): void {
  d.print(`, ${nameOf(UNREACHABLE_NAMES, code, `unknown unreach code (${code})`)}`);
  switch (code) {
    case 0:
    case 1:
    case 3:
      d.print(` ${d.ipv6(quoted + 24)}`);
      break;
    case 2:
      d.print(` ${d.ipv6(quoted + 24)}, source address ${d.ipv6(quoted + 8)}`);
      break;
    case 4: {
      const upper = findPorts(d, quoted);
      const name = upper.protocol === PROTOCOL.tcp ? 'tcp' : 'udp';
      d.print(`, ${d.ipv6(quoted + 24)} ${name} port ${d.u16(upper.at + 2)}`);
      break;
    }
    default:
  }
}

/** Walks the extension headers of a quoted packet to its TCP or UDP header. */
function findPorts(d: Dissection, at: number): { readonly protocol: number; readonly at: number } {
  let next = d.u8(at + 6);
  let offset = at + 40;
  for (;;) {
    switch (next) {
      case PROTOCOL.tcp:
      case PROTOCOL.udp:
        return { protocol: next, at: offset };
      case PROTOCOL.hopByHop:
      case PROTOCOL.destinationOptions:
      case PROTOCOL.routing:
        next = d.u8(offset);
        offset += (d.u8(offset + 1) + 1) * 8;
        break;
      case PROTOCOL.fragment:
        if ((d.u16(offset + 2) & 0xfff8) !== 0) throw TRUNCATED;
        next = d.u8(offset);
        offset += 8;
        break;
      case PROTOCOL.ah:
        next = d.u8(offset);
        offset += (d.u8(offset + 1) + 2) * 4;
        break;
      default:
        throw TRUNCATED;
    }
  }
}
