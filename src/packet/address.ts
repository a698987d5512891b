/** Two hex digits for every byte. */
export const HEX: readonly string[] = Array.from({ length: 256 }, (_, i) =>
  i.toString(16).padStart(2, '0'),
);

/** Six bytes, colons between. */
export function formatMac(data: Uint8Array, at: number): string {
  return `${hex(data, at)}:${hex(data, at + 1)}:${hex(data, at + 2)}:${hex(data, at + 3)}:${hex(data, at + 4)}:${hex(data, at + 5)}`;
}

export function formatIpv4(data: Uint8Array, at: number): string {
  return `${data[at] as number}.${data[at + 1] as number}.${data[at + 2] as number}.${data[at + 3] as number}`;
}

/** RFC 5952, with the dotted notation for mapped and compatible addresses. */
export function formatIpv6(data: Uint8Array, at: number): string {
  let start = -1;
  let run = 1; // a single zero word is written out
  let current = 0;
  for (let i = 0; i < 8; i++) {
    if (word(data, at + 2 * i) !== 0) {
      current = 0;
    } else if (++current > run) {
      run = current;
      start = i - current + 1;
    }
  }
  if (start === 0 && (run === 6 || (run === 5 && word(data, at + 10) === 0xffff))) {
    return `${run === 6 ? '::' : '::ffff:'}${formatIpv4(data, at + 12)}`;
  }
  let text = '';
  for (let i = 0; i < 8; i++) {
    if (i === start) {
      text += '::';
      i += run - 1;
      continue;
    }
    if (i > 0 && i !== start + run) text += ':';
    text += word(data, at + 2 * i).toString(16);
  }
  return text;
}

function hex(data: Uint8Array, at: number): string {
  return HEX[data[at] as number] as string;
}

function word(data: Uint8Array, at: number): number {
  return ((data[at] as number) << 8) | (data[at + 1] as number);
}
