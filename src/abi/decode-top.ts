import { CONTEXTS } from './decode.ts';
import { topKeyFields, type TopDimension } from './top.ts';

/** A row's key, as the kernel wrote it; what was not counted by is absent. */
export interface TopKey {
  /** The row of what had no room: it has nothing else. */
  readonly other: boolean;
  readonly hook?: number;
  readonly reason?: number;
  readonly location?: bigint;
  readonly netns?: number;
  readonly ifindex?: number;
  readonly ifname?: string;
  readonly comm?: string;
  readonly context?: (typeof CONTEXTS)[number];
  readonly flow?: TopFlowKey;
}

/** Zero where a packet has no such thing. */
export interface TopFlowKey {
  readonly ethertype: number;
  readonly protocol: number;
  /** 16 bytes, both; IPv4 in the first four. */
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly sourcePort: number;
  readonly destinationPort: number;
}

const utf8 = new TextDecoder();

/** Kernel strings are bytes up to the first NUL. */
function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return utf8.decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** A reader of the keys of a run that counts by these. */
export function topKeyDecoder(by: readonly TopDimension[]): (key: Uint8Array) => TopKey {
  const at = new Map(topKeyFields(by).map(({ name, offset }) => [name, offset]));
  return (key) => {
    const view = new DataView(key.buffer, key.byteOffset, key.byteLength);
    const offsetOf = (name: string): number => at.get(name) ?? 0;
    const u8 = (name: string): number => view.getUint8(offsetOf(name));
    const u16 = (name: string): number => view.getUint16(offsetOf(name), true);
    const u32 = (name: string): number => view.getUint32(offsetOf(name), true);
    const bytes = (name: string): Uint8Array => key.slice(offsetOf(name), offsetOf(name) + 16);
    const counts = (dimension: TopDimension): boolean => by.includes(dimension);
    if (u8('other') !== 0) return { other: true };
    const context = counts('comm') ? CONTEXTS[u8('context')] : undefined;
    return {
      other: false,
      ...(counts('hook') ? { hook: u16('hook') } : {}),
      ...(counts('reason') ? { reason: u32('reason') } : {}),
      ...(counts('location') ? { location: view.getBigUint64(offsetOf('location'), true) } : {}),
      ...(counts('netns') || counts('iface') ? { netns: u32('netns') } : {}),
      ...(counts('iface') ? { ifindex: u32('ifindex'), ifname: textOf(bytes('ifname')) } : {}),
      ...(counts('comm') ? { comm: textOf(bytes('comm')) } : {}),
      ...(context === undefined ? {} : { context }),
      ...(counts('flow')
        ? {
            flow: {
              ethertype: u16('ethertype'),
              protocol: u8('protocol'),
              source: bytes('source'),
              destination: bytes('destination'),
              sourcePort: u16('source_port'),
              destinationPort: u16('destination_port'),
            },
          }
        : {}),
    };
  };
}
