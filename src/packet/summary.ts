import { printArp } from './arp.ts';
import { Dissection, TRUNCATED } from './dissection.ts';
import type { Layer, Layers, SummaryOptions } from './dissection.ts';
import { printEthernet } from './ethernet.ts';
import { ETHERTYPE } from './ethertypes.ts';
import { printIpv4 } from './ipv4.ts';
import { printIpv6 } from './ipv6.ts';

export type { SummaryOptions } from './dissection.ts';

/** What there is to say of a packet. */
export interface PacketSummary {
  /** One line, with -v more of them, separated by newlines and indented. */
  readonly text: string;
  /** Bytes of the outermost link header, its VLAN tags and LLC included; 0 without one. */
  readonly linkHeaderLength: number;
}

/** Tunnels in tunnels in quoted packets: deeper than this nobody reads, and the stack is finite. */
const MAX_DEPTH = 12;

const ETHERTYPE_PRINTERS: Readonly<Record<number, Layer>> = {
  [ETHERTYPE.ipv4]: bounded(printIpv4),
  [ETHERTYPE.ipv6]: bounded(printIpv6),
  [ETHERTYPE.arp]: printArp,
  [ETHERTYPE.reverseArp]: printArp,
};

const LAYERS: Layers = {
  ethernet: bounded(printEthernet),
  ipv4: bounded(printIpv4),
  ipv6: bounded(printIpv6),
  ethertype: (d, type, at, length) => {
    const printer = ETHERTYPE_PRINTERS[type];
    printer?.(d, at, length);
    return printer !== undefined;
  },
};

function bounded(layer: Layer): Layer {
  return (d, at, length) => {
    if (d.depth >= MAX_DEPTH) {
      d.print('[nested too deep]');
      return;
    }
    d.depth++;
    layer(d, at, length);
    d.depth--;
  };
}

/**
 * The packet in the words of `tcpdump -n`: addresses, protocol, and the fields that matter of
 * every header up to the transport's. What a protocol carries beyond that is not dissected.
 *
 * Never throws, whatever the bytes; what was cut ends in `[|protocol]`. The text holds no control
 * characters but the newlines and tabs between its own lines.
 * @param data captured bytes; not kept
 */
export function summarizePacket(data: Uint8Array, options: SummaryOptions): PacketSummary {
  const d = new Dissection(data, options, LAYERS);
  try {
    if (options.linkType === 'ethernet') LAYERS.ethernet(d, 0, options.wireLength);
    else printRaw(d, options.wireLength);
  } catch (error) {
    if (error !== TRUNCATED) throw error;
    d.print(` [|${d.protocol}]`);
  }
  return { text: d.text, linkHeaderLength: d.linkHeaderLength };
}

/** The text of summarizePacket() alone. */
export function summarize(data: Uint8Array, options: SummaryOptions): string {
  return summarizePacket(data, options).text;
}

/** LINKTYPE_RAW: the first four bits tell the version. */
function printRaw(d: Dissection, length: number): void {
  d.protocol = 'raw';
  if (d.options.link) d.print('ip: ');
  if (length < 1) {
    d.print(`truncated-ip ${length}`);
    return;
  }
  d.protocol = 'ipn';
  const version = d.u8(0) >>> 4;
  if (version === 4) LAYERS.ipv4(d, 0, length);
  else if (version === 6) LAYERS.ipv6(d, 0, length);
  else d.print(`unknown ip ${version}`);
}
