import koffi from 'koffi';
import type { ExpressionCompiler, RawInsn, RawProgram } from '../filter/cbpf.ts';
import { loadLibrary } from './library.ts';

const INSN_BYTES = 8;
/** struct bpf_program: u_int bf_len, struct bpf_insn *bf_insns. */
const PROGRAM_BYTES = 16;
/**
 * What tcpdump passes for -d: `ip broadcast` then means 0.0.0.0 and 255.255.255.255. Tracing all
 * devices, there is no one netmask that would serve.
 */
const NETMASK = 0;

/** libpcap: the compiler of expressions, and its own interpreter of the programs. */
export interface Libpcap extends ExpressionCompiler {
  /** As pcap_lib_version(3PCAP) gives it: `libpcap version 1.10.3 (with TPACKET_V3)`. */
  readonly version: string;
  /** Runs libpcap's bpf_filter() on a packet whose bytes are all there; 0: no match. */
  evaluate(program: RawProgram, packet: Uint8Array, wireLength: number): number;
  matches(program: RawProgram, packet: Uint8Array, wireLength: number): boolean;
}

/** @throws UnsupportedError when libpcap is not installed */
export function openLibpcap(): Libpcap {
  const library = loadLibrary(
    ['libpcap.so.0.8', 'libpcap.so.1'],
    'compiling the filter',
    'install it: apt-get install libpcap0.8 (libpcap0.8t64 from Debian 13 on)',
  );
  const openDead = library.func('void *pcap_open_dead(int linktype, int snaplen)') as (
    linkType: number,
    snaplen: number,
  ) => bigint | null;
  const compile = library.func(
    'int pcap_compile(void *p, void *fp, const char *str, int optimize, uint32_t netmask)',
  ) as (p: bigint, fp: Uint8Array, text: string, optimize: number, netmask: number) => number;
  const freeCode = library.func('void pcap_freecode(void *fp)') as (fp: Uint8Array) => void;
  const getError = library.func('const char *pcap_geterr(void *p)') as (p: bigint) => string;
  const close = library.func('void pcap_close(void *p)') as (p: bigint) => void;
  const version = library.func('const char *pcap_lib_version()') as () => string;
  const filter = library.func(
    'unsigned int bpf_filter(void *pc, void *p, unsigned int wirelen, unsigned int buflen)',
  ) as (pc: Uint8Array, p: Uint8Array, wireLength: number, captured: number) => number;

  const evaluate = (program: RawProgram, packet: Uint8Array, wireLength: number): number => {
    // koffi passes no address for an empty buffer.
    const bytes = packet.length === 0 ? new Uint8Array(1) : packet;
    return filter(encoded(program), bytes, wireLength, packet.length);
  };
  return {
    version: version(),
    compile(expression, { linkType, snaplen, optimize }) {
      // C would take what stands before the NUL for the whole.
      if (expression.includes('\0')) return { error: 'the expression contains a NUL character' };
      const handle = openDead(linkType, snaplen);
      if (handle === null) return { error: 'out of memory' };
      try {
        const program = new Uint8Array(PROGRAM_BYTES);
        if (compile(handle, program, expression, optimize ? 1 : 0, NETMASK) !== 0) {
          return { error: getError(handle) };
        }
        const insns = read(program);
        freeCode(program);
        return { program: insns };
      } finally {
        close(handle);
      }
    },
    evaluate,
    matches: (program, packet, wireLength) => evaluate(program, packet, wireLength) !== 0,
  };
}

/** Copies the instructions out of libpcap's memory. */
function read(program: Uint8Array): readonly RawInsn[] {
  const fields = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const count = fields.getUint32(0, true);
  const insns = new DataView(koffi.view(fields.getBigUint64(8, true), count * INSN_BYTES));
  return Array.from({ length: count }, (_, i) => ({
    code: insns.getUint16(i * INSN_BYTES, true),
    jt: insns.getUint8(i * INSN_BYTES + 2),
    jf: insns.getUint8(i * INSN_BYTES + 3),
    k: insns.getUint32(i * INSN_BYTES + 4, true),
  }));
}

const cache = new WeakMap<RawProgram, Uint8Array>();

function encoded(program: RawProgram): Uint8Array {
  const bytes = cache.get(program) ?? encode(program);
  cache.set(program, bytes);
  return bytes;
}

/** An array of struct bpf_insn. */
function encode(program: RawProgram): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(program.length * INSN_BYTES));
  program.forEach(({ code, jt, jf, k }, i) => {
    bytes.setUint16(i * INSN_BYTES, code, true);
    bytes.setUint8(i * INSN_BYTES + 2, jt);
    bytes.setUint8(i * INSN_BYTES + 3, jf);
    bytes.setUint32(i * INSN_BYTES + 4, k, true);
  });
  return new Uint8Array(bytes.buffer);
}
