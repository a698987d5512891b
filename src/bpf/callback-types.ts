import { closeSync } from 'node:fs';
import { Attr, BPF_CMD, bpfError } from './syscall.ts';

/** include/uapi/linux/btf.h. */
const KIND = { int: 1, ptr: 2, func: 12, funcProto: 13 } as const;
const LINKAGE = { static: 0, global: 1 } as const;
const MAGIC = 0xeb9f;
const HEADER_BYTES = 24;

const STRINGS = '\0int\0u64\0a\0b\0xcap_program\0xcap_each\0';
const named = (name: string): number => STRINGS.indexOf(`\0${name}\0`) + 1;
const kindOf = (kind: number, length = 0): number => (kind << 24) | length;

/** Ids count from 1; 0 is void. */
const TYPES = [
  ...[named('int'), kindOf(KIND.int), 4, 32], // 1
  ...[named('u64'), kindOf(KIND.int), 8, 64], // 2
  ...[0, kindOf(KIND.ptr), 0], // 3
  ...[0, kindOf(KIND.funcProto, 1), 1, named('a'), 3], // 4
  ...[0, kindOf(KIND.funcProto, 2), 1, named('a'), 2, named('b'), 3], // 5
  ...[named('xcap_program'), kindOf(KIND.func, LINKAGE.global), 4], // 6
  ...[named('xcap_each'), kindOf(KIND.func, LINKAGE.static), 5], // 7
];
const [PROGRAM, CALLBACK] = [6, 7];

function btfBytes(): Uint8Array {
  const strings = new TextEncoder().encode(STRINGS);
  const bytes = new Uint8Array(HEADER_BYTES + 4 * TYPES.length + strings.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, MAGIC, true);
  view.setUint8(2, 1);
  const header = [HEADER_BYTES, 0, 4 * TYPES.length, 4 * TYPES.length, strings.length];
  [...header, ...TYPES].forEach((word, i) => {
    view.setUint32(4 + 4 * i, word, true);
  });
  bytes.set(strings, HEADER_BYTES + 4 * TYPES.length);
  return bytes;
}

/**
 * The verifier takes a function to call back only where BTF says that it is one, and static
 * (check_ld_imm() in kernel/bpf/verifier.c). Its name and types matter to nobody.
 */
export class CallbackTypes implements Disposable {
  readonly #fd: number;
  readonly #callback: number;

  private constructor(fd: number, callback: number) {
    this.#fd = fd;
    this.#callback = callback;
  }

  /**
   * @param callback instruction that the callback starts at, behind the program
   * @throws PermissionError, SystemError
   */
  static load(callback: number): CallbackTypes {
    const bytes = btfBytes();
    const fd = new Attr(32).pointer(0, bytes).u32(16, bytes.length).call(BPF_CMD.btfLoad);
    if (fd < 0) throw bpfError('describing a callback', 'bpf(BPF_BTF_LOAD)', fd);
    return new CallbackTypes(fd, callback);
  }

  /** Into the attributes of BPF_PROG_LOAD: prog_btf_fd, and a struct bpf_func_info for each function. */
  describe(attr: Attr): void {
    const functions = new Uint32Array([0, PROGRAM, this.#callback, CALLBACK]);
    attr.u32(72, this.#fd).u32(76, 8).pointer(80, new Uint8Array(functions.buffer)).u32(88, 2);
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}
