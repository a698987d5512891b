import { formatNumber } from './format.ts';
import type { UserField, UserLayout } from './layout.ts';

/** A field of an event: its value, and as its format writes it. */
export interface UserValue {
  readonly name: string;
  readonly value: number | bigint | string;
  readonly text: string;
}

const utf8 = new TextDecoder('utf-8');

/** Reads the fields of an event. @param bytes at least `layout.bytes` of them */
export function userValues(layout: UserLayout, bytes: Uint8Array): readonly UserValue[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return layout.fields.map((field) => {
    const { name, offset, characters, format } = field;
    if (characters === undefined) {
      const value = readNumber(view, field);
      const safe = value <= Number.MAX_SAFE_INTEGER && value >= Number.MIN_SAFE_INTEGER;
      return {
        name,
        value: safe ? Number(value) : value,
        text: formatNumber(value, field.bytes, format),
      };
    }
    const all = bytes.subarray(offset, offset + characters);
    const nul = all.indexOf(0);
    const value = utf8.decode(nul < 0 ? all : all.subarray(0, nul));
    return { name, value, text: format.before + value.padStart(format.width) + format.after };
  });
}

function readNumber(view: DataView, { bytes, signed, offset }: UserField): bigint {
  switch (bytes) {
    case 1:
      return BigInt(signed ? view.getInt8(offset) : view.getUint8(offset));
    case 2:
      return BigInt(signed ? view.getInt16(offset, true) : view.getUint16(offset, true));
    case 4:
      return BigInt(signed ? view.getInt32(offset, true) : view.getUint32(offset, true));
    case 8:
      return signed ? view.getBigInt64(offset, true) : view.getBigUint64(offset, true);
  }
}
