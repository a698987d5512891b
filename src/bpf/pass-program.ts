import { closeSync, openSync } from 'node:fs';
import { UnsupportedError } from '../errors.ts';
import { errnoName } from '../ffi/library.ts';
import { inNetns } from '../ffi/libc.ts';
import type { XdpDevice } from '../kernel/xdp-devices.ts';
import { Disposer } from '../util/disposer.ts';
import { returning } from './insn.ts';
import { ATTACH_TYPE, BPF_F_XDP_HAS_FRAGS, PROG_TYPE } from './program.ts';
import { Attr, BPF_CMD, bpfError, cString } from './syscall.ts';

const NAME = 'xcap_pass';
const XDP_PASS = 2;
/** include/uapi/linux/if_link.h: XDP_FLAGS_DRV_MODE, XDP_FLAGS_SKB_MODE. */
const MODES = { native: 1 << 2, generic: 1 << 1 } as const;
type Mode = keyof typeof MODES;

/** An XDP program of xcap's own on a device: gone when disposed, and with the process. */
export interface PassProgram extends Disposable {
  readonly mode: Mode;
}

/**
 * Puts a program that passes everything on a device: in the driver where it takes one.
 *
 * @throws PermissionError, UnsupportedError: the device takes none
 */
export function attachPassProgram(device: XdpDevice): PassProgram {
  const held = new Disposer();
  const keep = (fd: number): number => {
    held.add({
      [Symbol.dispose]: () => {
        closeSync(fd);
      },
    });
    return fd;
  };
  try {
    const program = keep(load());
    for (const mode of ['native', 'generic'] as const) {
      const link = inNamespaceOf(device, () =>
        new Attr(16)
          .u32(0, program)
          .u32(4, device.ifindex)
          .u32(8, ATTACH_TYPE.xdp)
          .u32(12, MODES[mode])
          .call(BPF_CMD.linkCreate),
      );
      if (link >= 0) {
        keep(link);
        return {
          mode,
          [Symbol.dispose]: () => {
            held[Symbol.dispose]();
          },
        };
      }
      if (mode === 'generic' || errnoName(-link) === 'EPERM') throw refused(device, link);
    }
    throw new RangeError('no mode left');
  } catch (error) {
    held[Symbol.dispose]();
    throw error;
  }
}

function refused({ name }: XdpDevice, result: number): Error {
  const doing = `putting an XDP program on ${name}`;
  const error = bpfError(doing, 'bpf(BPF_LINK_CREATE)', result);
  if (errnoName(-result) !== 'EBUSY') return error;
  return new UnsupportedError(`${doing}: somebody else just did`, {
    hint: 'start again: --load-pass leaves a device with a program alone',
    cause: error,
  });
}

function inNamespaceOf({ netnsPath }: XdpDevice, call: () => number): number {
  if (netnsPath === undefined) return call();
  const fd = openSync(netnsPath, 'r');
  try {
    return inNetns(fd, call);
  } finally {
    closeSync(fd);
  }
}

/** @returns a descriptor. @throws PermissionError, SystemError */
function load(): number {
  const btf = types();
  const btfFd = new Attr(28).pointer(0, btf).u32(16, btf.length).call(BPF_CMD.btfLoad);
  if (btfFd < 0) throw bpfError(`loading the types of ${NAME}`, 'bpf(BPF_BTF_LOAD)', btfFd);
  try {
    // Packets of several buffers from 5.18 on; before, the flag is unknown.
    const fd = attempt(btfFd, BPF_F_XDP_HAS_FRAGS);
    const second = fd < 0 ? attempt(btfFd, 0) : fd;
    if (second < 0) throw bpfError(`loading program ${NAME}`, 'bpf(BPF_PROG_LOAD)', second);
    return second;
  } finally {
    closeSync(btfFd);
  }
}

function attempt(btfFd: number, flags: number): number {
  const insns = Uint8Array.from(Buffer.concat(returning(XDP_PASS)));
  const functionInfo = Uint32Array.of(0, FUNC_ID);
  return new Attr(144)
    .u32(0, PROG_TYPE.xdp)
    .u32(4, insns.length / 8)
    .pointer(8, insns)
    .pointer(16, cString('Dual MIT/GPL'))
    .u32(44, flags)
    .name(48, NAME)
    .u32(68, ATTACH_TYPE.xdp)
    .u32(72, btfFd)
    .u32(76, functionInfo.byteLength)
    .pointer(80, new Uint8Array(functionInfo.buffer))
    .u32(88, 1)
    .call(BPF_CMD.progLoad);
}

/** Number of the function among the types. */
const FUNC_ID = 5;

/** `int xcap_pass(struct xdp_md *ctx)`: without types nobody could trace it (Documentation/bpf/btf.rst). */
function types(): Uint8Array {
  const text = `\0int\0xdp_md\0ctx\0${NAME}\0`;
  const name = (word: string): number => text.indexOf(`\0${word}\0`) + 1;
  const KIND = { int: 1, ptr: 2, struct: 4, func: 12, funcProto: 13 } as const;
  const info = (kind: number, count = 0): number => (kind << 24) | count;
  const INT_SIGNED_32 = (1 << 24) | 32;
  const FUNC_GLOBAL = 1;
  const words = [
    ...[name('int'), info(KIND.int), 4, INT_SIGNED_32],
    ...[name('xdp_md'), info(KIND.struct), 24],
    ...[0, info(KIND.ptr), 2],
    ...[0, info(KIND.funcProto, 1), 1, name('ctx'), 3],
    ...[name(NAME), info(KIND.func, FUNC_GLOBAL), 4],
  ];
  const bytes = new Uint8Array(24 + words.length * 4 + text.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 0xeb9f, true);
  view.setUint8(2, 1);
  const header = [24, 0, words.length * 4, words.length * 4, text.length];
  for (const [i, word] of header.entries()) view.setUint32(4 + 4 * i, word, true);
  for (const [i, word] of words.entries()) view.setUint32(24 + 4 * i, word, true);
  bytes.set(new TextEncoder().encode(text), 24 + words.length * 4);
  return bytes;
}
