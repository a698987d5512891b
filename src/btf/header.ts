import { BtfError } from './error.ts';

/** struct btf_header of include/uapi/linux/btf.h, with the sections made absolute. */
export interface BtfHeader {
  readonly littleEndian: boolean;
  readonly typesStart: number;
  readonly typesEnd: number;
  readonly stringsStart: number;
  readonly stringsEnd: number;
}

const MAGIC = 0xeb9f;
const VERSION = 1;
const MINIMUM_HEADER = 24;

/** Reads and checks the header. The magic number tells the byte order. Throws BtfError. */
export function readHeader(bytes: Uint8Array): BtfHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength < MINIMUM_HEADER) {
    throw new BtfError(`reading BTF: ${bytes.byteLength} bytes: too short for a header`);
  }
  const littleEndian = view.getUint16(0, true) === MAGIC;
  if (!littleEndian && view.getUint16(0, false) !== MAGIC) {
    throw new BtfError('reading BTF: bad magic number: this is not BTF');
  }
  const version = view.getUint8(2);
  if (version !== VERSION) {
    throw new BtfError(`reading BTF: version ${version}: only version ${VERSION} is known`);
  }
  const headerLength = view.getUint32(4, littleEndian);
  const section = (name: string, at: number): { start: number; end: number } => {
    const start = headerLength + view.getUint32(at, littleEndian);
    const end = start + view.getUint32(at + 4, littleEndian);
    if (end > bytes.byteLength) {
      throw new BtfError(
        `reading BTF: the ${name} section ends at byte ${end}: only ${bytes.byteLength} there`,
      );
    }
    return { start, end };
  };
  if (headerLength < MINIMUM_HEADER) {
    throw new BtfError(`reading BTF: header length ${headerLength}: less than ${MINIMUM_HEADER}`);
  }
  const types = section('type', 8);
  const strings = section('string', 16);
  if (strings.end > strings.start && bytes[strings.end - 1] !== 0) {
    throw new BtfError('reading BTF: the string section does not end in a zero byte');
  }
  return {
    littleEndian,
    typesStart: types.start,
    typesEnd: types.end,
    stringsStart: strings.start,
    stringsEnd: strings.end,
  };
}
