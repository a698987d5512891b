/**
 * Blocks of a pcapng section, little-endian. Sections are those of the pcapng draft,
 * https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-04.html
 */

/** Section 10.1, "Standardized Block Type Codes". */
export const BLOCK = {
  sectionHeader: 0x0a0d0d0a, // 4.1
  interfaceDescription: 0x00000001, // 4.2
  interfaceStatistics: 0x00000005, // 4.6
  enhancedPacket: 0x00000006, // 4.3
} as const;

/** https://www.tcpdump.org/linktypes.html */
export const LINKTYPE = { ethernet: 1, raw: 101 } as const;

type OptionKind = 'text' | 'filter' | 'u8' | 'u32' | 'u64' | 'time';
interface OptionLayout {
  readonly code: number;
  readonly kind: OptionKind;
}

/** Option codes: section 3.5 (opt_), 4.1 (shb_), 4.2 (if_), 4.3 (epb_), 4.6 (isb_). */
export const OPTION = {
  opt_endofopt: { code: 0, kind: 'text' },
  opt_comment: { code: 1, kind: 'text' },
  shb_hardware: { code: 2, kind: 'text' },
  shb_os: { code: 3, kind: 'text' },
  shb_userappl: { code: 4, kind: 'text' },
  if_name: { code: 2, kind: 'text' },
  if_description: { code: 3, kind: 'text' },
  if_tsresol: { code: 9, kind: 'u8' },
  if_filter: { code: 11, kind: 'filter' },
  epb_flags: { code: 2, kind: 'u32' },
  epb_dropcount: { code: 4, kind: 'u64' },
  epb_packetid: { code: 5, kind: 'u64' },
  epb_queue: { code: 6, kind: 'u32' },
  epb_verdict: { code: 7, kind: 'u64' }, // behind a byte of VERDICT_BY
  isb_starttime: { code: 2, kind: 'time' },
  isb_endtime: { code: 3, kind: 'time' },
  isb_ifrecv: { code: 4, kind: 'u64' },
  isb_ifdrop: { code: 5, kind: 'u64' },
  isb_filteraccept: { code: 6, kind: 'u64' },
  isb_osdrop: { code: 7, kind: 'u64' },
  isb_usrdeliv: { code: 8, kind: 'u64' },
} as const satisfies Record<string, OptionLayout>;
export type OptionName = keyof typeof OPTION;

/** An undefined value leaves the option out. */
export type OptionValues = Partial<Record<OptionName, string | number | bigint | undefined>>;

/** Section 3.5: an option's length is 16 bit. */
export const OPTION_BYTES_MAX = 0xffff;

/** The first byte of epb_verdict: who decided; eight bytes follow, what it returned. */
export const VERDICT_BY = { tc: 1, xdp: 2 } as const;

const utf8 = new TextEncoder();
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const TSRESOL_NANOSECONDS = 9;

/** Bytes that bring a length to the next multiple of 4 (section 3.1). */
export function padding(length: number): number {
  return -length & 3;
}

/** Puts a time as the two words that section 4.3 asks for: the upper one first. */
export function putTime(view: DataView, at: number, timeNs: bigint): void {
  view.setUint32(at, Number(BigInt.asUintN(32, timeNs >> 32n)), true);
  view.setUint32(at + 4, Number(BigInt.asUintN(32, timeNs)), true);
}

function encodeOption(kind: OptionKind, value: string | number | bigint): Uint8Array {
  switch (kind) {
    case 'text':
      return utf8.encode(String(value)).subarray(0, OPTION_BYTES_MAX);
    case 'filter':
      // 4.2: the first byte says how the filter is coded, 0 is libpcap's text.
      return utf8.encode(`\0${String(value)}`).subarray(0, OPTION_BYTES_MAX);
    case 'u8':
      return Uint8Array.of(Number(value));
    case 'u32': {
      const bytes = new Uint8Array(4);
      new DataView(bytes.buffer).setUint32(0, Number(value), true);
      return bytes;
    }
    case 'u64': {
      const bytes = new Uint8Array(8);
      new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
      return bytes;
    }
    case 'time': {
      const bytes = new Uint8Array(8);
      putTime(new DataView(bytes.buffer), 0, BigInt(value));
      return bytes;
    }
  }
}

/** Section 3.5: the options of a block and their end; nothing when there are none. */
export function encodeOptions(options: OptionValues): Uint8Array {
  const encoded: { code: number; bytes: Uint8Array }[] = [];
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const { code, kind } = OPTION[name as OptionName];
    encoded.push({ code, bytes: encodeOption(kind, value) });
  }
  let total = encoded.length === 0 ? 0 : 4;
  for (const { bytes } of encoded) total += 4 + bytes.length + padding(bytes.length);
  const all = new Uint8Array(total);
  const view = new DataView(all.buffer);
  let at = 0;
  for (const { code, bytes } of encoded) {
    view.setUint16(at, code, true);
    view.setUint16(at + 2, bytes.length, true);
    all.set(bytes, at + 4);
    at += 4 + bytes.length + padding(bytes.length);
  }
  return all;
}

/** Section 3.1: type, total length, body, options, total length again. */
function buildBlock(type: number, body: Uint8Array, options: OptionValues): Uint8Array {
  const encoded = encodeOptions(options);
  const total = 12 + body.length + encoded.length;
  const block = new Uint8Array(total);
  const view = new DataView(block.buffer);
  view.setUint32(0, type, true);
  view.setUint32(4, total, true);
  block.set(body, 8);
  block.set(encoded, 8 + body.length);
  view.setUint32(total - 4, total, true);
  return block;
}

/** Section 4.1; the section's length is left unknown, as for any live capture. */
export function sectionHeaderBlock(options: {
  readonly hardware?: string | undefined;
  readonly os?: string | undefined;
  readonly application?: string | undefined;
}): Uint8Array {
  const body = new Uint8Array(16);
  const view = new DataView(body.buffer);
  view.setUint32(0, BYTE_ORDER_MAGIC, true);
  view.setUint16(4, 1, true);
  view.setUint16(6, 0, true);
  view.setBigInt64(8, -1n, true);
  return buildBlock(BLOCK.sectionHeader, body, {
    shb_hardware: options.hardware,
    shb_os: options.os,
    shb_userappl: options.application,
  });
}

/** Section 4.2. */
export function interfaceDescriptionBlock(options: {
  readonly linkType: number;
  readonly snaplen: number;
  readonly name: string;
  readonly description?: string | undefined;
  readonly filter?: string | undefined;
  readonly comment?: string | undefined;
}): Uint8Array {
  const body = new Uint8Array(8);
  const view = new DataView(body.buffer);
  view.setUint16(0, options.linkType, true);
  view.setUint32(4, options.snaplen, true);
  return buildBlock(BLOCK.interfaceDescription, body, {
    opt_comment: options.comment,
    if_name: options.name,
    if_description: options.description,
    if_tsresol: TSRESOL_NANOSECONDS,
    if_filter: options.filter === '' ? undefined : options.filter,
  });
}

/** Section 4.6. */
export function interfaceStatisticsBlock(
  interfaceId: number,
  timeNs: bigint,
  options: OptionValues,
): Uint8Array {
  const body = new Uint8Array(12);
  const view = new DataView(body.buffer);
  view.setUint32(0, interfaceId, true);
  putTime(view, 4, timeNs);
  return buildBlock(BLOCK.interfaceStatistics, body, options);
}

/** How many of these bytes, which start with a block, are whole blocks. */
export function wholeBlocksLength(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  while (at + 12 <= bytes.length) {
    const total = view.getUint32(at + 4, true);
    if (total < 12 || at + total > bytes.length) break;
    at += total;
  }
  return at;
}
