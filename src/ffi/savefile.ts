import { RuntimeError } from '../errors.ts';
import { loadLibrary, type NativeLibrary } from './library.ts';

export interface SavedPacket {
  /** Valid until the next call of next(). */
  readonly bytes: Uint8Array;
  readonly wireLength: number;
}

/** A capture file, as libpcap reads it. */
export interface Savefile extends Disposable {
  /** DLT_ number of its packets. */
  readonly linkType: number;
  /** libpcap's name of it: `EN10MB`; the number where it has none. */
  readonly linkTypeName: string;
  /** @returns undefined at the end; @throws RuntimeError with libpcap's message */
  next(): SavedPacket | undefined;
}

const ERRBUF_BYTES = 256;
/** struct pcap_pkthdr: a struct timeval, caplen, len. */
const HEADER_BYTES = 24;
const CAPLEN = 16;
const LEN = 20;

interface Functions {
  readonly open: (path: string, error: Uint8Array) => bigint | null;
  readonly next: (p: bigint, header: Uint8Array, data: Uint8Array) => number;
  readonly linkType: (p: bigint) => number;
  readonly linkTypeName: (linkType: number) => string | null;
  readonly error: (p: bigint) => string;
  readonly close: (p: bigint) => void;
  readonly copy: (to: Uint8Array, from: bigint, bytes: number) => unknown;
}

function bind(libpcap: NativeLibrary, libc: NativeLibrary): Functions {
  return {
    open: libpcap.func('void *pcap_open_offline(const char *path, void *error)'),
    next: libpcap.func('int pcap_next_ex(void *p, void *header, void *data)'),
    linkType: libpcap.func('int pcap_datalink(void *p)'),
    linkTypeName: libpcap.func('const char *pcap_datalink_val_to_name(int linktype)'),
    error: libpcap.func('const char *pcap_geterr(void *p)'),
    close: libpcap.func('void pcap_close(void *p)'),
    copy: libc.func('void *memcpy(void *to, uint64_t from, size_t bytes)'),
  };
}

let bound: Functions | undefined;

function functions(): Functions {
  bound ??= bind(
    loadLibrary(
      ['libpcap.so.0.8', 'libpcap.so.1'],
      'reading capture files',
      'install it: apt-get install libpcap0.8 (libpcap0.8t64 from Debian 13 on)',
    ),
    loadLibrary(['libc.so.6'], 'reading capture files', 'xcap needs glibc'),
  );
  return bound;
}

/**
 * Opens a pcap or pcapng file, `-` for standard input.
 *
 * @throws RuntimeError with libpcap's message, UnsupportedError when libpcap is not installed
 */
export function openSavefile(path: string): Savefile {
  const pcap = functions();
  if (path.includes('\0')) throw new RuntimeError(`reading: ${path}: no such file`);
  const errors = new Uint8Array(ERRBUF_BYTES);
  const handle = pcap.open(path, errors);
  if (handle === null) throw failure(path, textOf(errors));
  const linkType = pcap.linkType(handle);
  const outs = [new Uint8Array(8), new Uint8Array(8)] as const;
  const [headerAt, dataAt] = outs.map((out) => new DataView(out.buffer));
  const header = new DataView(new ArrayBuffer(HEADER_BYTES));
  let buffer = new Uint8Array(1 << 16);
  let number = 0;
  return {
    linkType,
    linkTypeName: pcap.linkTypeName(linkType) ?? String(linkType),
    next() {
      number += 1;
      const result = pcap.next(handle, ...outs);
      if (result === -2) return undefined;
      if (result !== 1) throw failure(path, `packet ${number}: ${pcap.error(handle)}`);
      pcap.copy(new Uint8Array(header.buffer), headerAt?.getBigUint64(0, true) ?? 0n, HEADER_BYTES);
      const captured = header.getUint32(CAPLEN, true);
      if (captured > buffer.length) buffer = new Uint8Array(2 * captured);
      if (captured > 0) pcap.copy(buffer, dataAt?.getBigUint64(0, true) ?? 0n, captured);
      return { bytes: buffer.subarray(0, captured), wireLength: header.getUint32(LEN, true) };
    },
    [Symbol.dispose]() {
      pcap.close(handle);
    },
  };
}

const textOf = (errors: Uint8Array): string =>
  new TextDecoder().decode(errors.subarray(0, errors.indexOf(0)));

/** libpcap names the file in some of its messages. */
function failure(path: string, message: string): RuntimeError {
  const bare = message.startsWith(`${path}: `) ? message.slice(path.length + 2) : message;
  return new RuntimeError(`reading: ${path}: ${bare}`);
}
