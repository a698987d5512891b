import { dataLength, type PacketRecord } from '../records/record.ts';
import type { Batch } from './batch.ts';
import type { LinkAdapter } from './link-adapter.ts';

/** tcpdump's default, and the most that libpcap accepts for Ethernet. */
export const SNAPLEN_MAX = 262144;

/** Below this a loop over bytes beats the call into the runtime. */
const SHORT_COPY_BYTES = 64;
/** Below this a loop over words beats the call and the view that it takes. */
const SHORT_COPY_WORDS_BYTES = 256;

/**
 * Copies a packet with the link header that the adapter found for it, to at most `snaplen` bytes.
 * @returns the bytes written: the captured length
 */
export function copyPacket(
  record: PacketRecord,
  { prepend, etherType, skip }: LinkAdapter,
  snaplen: number,
  { bytes: to, words }: Pick<Batch, 'bytes' | 'words'>,
  at: number,
): number {
  const captured = Math.min(dataLength(record) - skip + prepend, snaplen);
  const header = Math.min(prepend, captured);
  if (header > 0) {
    // A snap length within the header cuts it; what is written beyond is overwritten or not kept.
    to.fill(0, at, at + header);
    to[at + 12] = etherType >> 8;
    to[at + 13] = etherType & 0xff;
  }
  const length = captured - header;
  const target = at + header;
  const copied =
    length <= SHORT_COPY_WORDS_BYTES && record.copyWords?.(skip, length, words, target) === true;
  if (copied) return captured;
  const { data } = record;
  if (length <= SHORT_COPY_BYTES) {
    for (let index = 0; index < length; index += 1) to[target + index] = data[skip + index] ?? 0;
  } else {
    const whole = skip === 0 && length === data.length;
    to.set(whole ? data : data.subarray(skip, skip + length), target);
  }
  return captured;
}
