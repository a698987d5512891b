import type { Dissection, IpContext } from './dissection.ts';

/** One's complement sum of RFC 1071, folded to 16 bits; right data sums up to 0xffff. */
export function onesComplementSum(
  data: Uint8Array,
  at: number,
  length: number,
  initial = 0,
): number {
  let sum = initial;
  const even = at + (length & ~1);
  for (let i = at; i < even; i += 2) {
    sum += ((data[i] as number) << 8) | (data[i + 1] as number);
  }
  if ((length & 1) === 1) sum += (data[even] as number) << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return sum;
}

/**
 * What the checksum field should hold instead, or undefined when it is right.
 * @param field the checksum as found
 * @param sum one's complement sum over everything, the field included
 */
export function checksumShouldBe(field: number, sum: number): number | undefined {
  if (sum === 0xffff) return undefined;
  const shouldBe = field + (~sum & 0xffff);
  return (shouldBe & 0xffff) + (shouldBe >>> 16);
}

/** Sum over the pseudo header (RFC 9293 section 3.1, RFC 8200 section 8.1) and the payload. */
export function transportSum(
  d: Dissection,
  ip: IpContext,
  protocol: number,
  at: number,
  length: number,
): number {
  const size = ip.version === 4 ? 4 : 16;
  const source = ip.header + (ip.version === 4 ? 12 : 8);
  let sum = onesComplementSum(d.data, source, size, protocol + (length & 0xffff) + (length >>> 16));
  sum = onesComplementSum(d.data, ip.destination, size, sum);
  return onesComplementSum(d.data, at, length, sum);
}
