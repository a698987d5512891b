import { closeSync } from 'node:fs';
import { Btf } from '../btf/btf.ts';
import { UnsupportedError } from '../errors.ts';
import { SHORT_NAME, type BpfProgramFacts, type BpfPrograms } from '../kernel/bpf-programs.ts';
import { Attr, BPF_CMD, bpfError, objectInfo } from './syscall.ts';

/** Offsets in struct bpf_prog_info, include/uapi/linux/bpf.h. */
const INFO = {
  ...{ bytes: 192, type: 0, id: 4, name: 64, nameBytes: 16, btfId: 128 },
  ...{ functionBytes: 132, functions: 136, functionCount: 144 },
};
/** struct bpf_func_info: the instruction, and the FUNC. */
const FUNCTION_INFO_BYTES = 8;
const ENOENT = 2;

/** A descriptor of somebody's loaded program, for the time that it is used. */
export interface OpenedProgram extends Disposable {
  readonly fd: number;
}

/** @throws PermissionError, SystemError; UnsupportedError when the program is gone */
export function openProgram(id: number): OpenedProgram {
  const opened = tryOpenProgram(id);
  if (opened !== undefined) return opened;
  throw new UnsupportedError(`hooking BPF program ${id}: it is gone`, {
    hint: "xcap hooks 'xdp:*' lists those that are loaded",
  });
}

function tryOpenProgram(id: number): OpenedProgram | undefined {
  const fd = new Attr(12).u32(0, id).call(BPF_CMD.progGetFdById);
  if (fd === -ENOENT) return undefined;
  if (fd < 0) throw bpfError(`opening BPF program ${id}`, 'bpf(BPF_PROG_GET_FD_BY_ID)', fd);
  return {
    fd,
    [Symbol.dispose]: () => {
      closeSync(fd);
    },
  };
}

/** The programs of the running kernel, asked for anew each time. */
export const livePrograms: BpfPrograms = {
  byId(id) {
    using opened = tryOpenProgram(id);
    return opened === undefined ? undefined : programFacts(opened.fd);
  },
  ofType(...types) {
    const found: BpfProgramFacts[] = [];
    const attr = new Attr(12);
    for (let id = 0; ;) {
      const result = attr.u32(0, id).call(BPF_CMD.progGetNextId);
      if (result === -ENOENT) return found;
      if (result < 0) throw bpfError('listing BPF programs', 'bpf(BPF_PROG_GET_NEXT_ID)', result);
      id = attr.getU32(4);
      using opened = tryOpenProgram(id);
      // It may have gone meanwhile.
      if (opened === undefined || !types.includes(programType(opened.fd))) continue;
      found.push(programFacts(opened.fd));
    }
  },
};

function programType(fd: number): number {
  const info = new Uint8Array(8);
  readInfo(fd, info);
  return new DataView(info.buffer).getUint32(INFO.type, true);
}

/** What is known of the program behind a descriptor. @throws SystemError, PermissionError */
export function programFacts(fd: number): BpfProgramFacts {
  const functions = new Uint8Array(FUNCTION_INFO_BYTES);
  const info = new Attr(INFO.bytes)
    .u32(INFO.functionBytes, FUNCTION_INFO_BYTES)
    .u32(INFO.functionCount, 1)
    .pointer(INFO.functions, functions);
  info.use((bytes) => {
    readInfo(fd, bytes);
    return 0;
  });
  const name = info.bytes.subarray(INFO.name, INFO.name + INFO.nameBytes);
  const short = new TextDecoder('latin1').decode(name.subarray(0, name.indexOf(0)));
  const btfId = info.getU32(INFO.btfId);
  const hasFunctions = btfId !== 0 && info.getU32(INFO.functionCount) > 0;
  const functionId = hasFunctions ? new DataView(functions.buffer).getUint32(4, true) : undefined;
  const cut = short.length === SHORT_NAME && functionId !== undefined;
  return {
    id: info.getU32(INFO.id),
    type: info.getU32(INFO.type),
    name: (cut ? functionName(btfId, functionId) : undefined) ?? short,
    functionId,
  };
}

function readInfo(fd: number, info: Uint8Array): void {
  const result = objectInfo(fd, info);
  if (result < 0) throw bpfError('reading a BPF program', 'bpf(BPF_OBJ_GET_INFO_BY_FD)', result);
}

function functionName(btfId: number, functionId: number): string | undefined {
  const type = readProgramBtf(btfId).type(functionId);
  return type.kind === 'func' ? type.name : undefined;
}

/** The types that a program was loaded with. @throws SystemError, PermissionError, BtfError */
export function readProgramBtf(btfId: number): Btf {
  const doing = `reading BTF ${btfId}`;
  const fd = new Attr(16).u32(0, btfId).call(BPF_CMD.btfGetFdById);
  if (fd < 0) throw bpfError(doing, 'bpf(BPF_BTF_GET_FD_BY_ID)', fd);
  try {
    // Twice: how much it is, then all of it.
    const size = new Attr(16);
    let result = size.use((bytes) => objectInfo(fd, bytes));
    const types = new Uint8Array(size.getU32(8));
    const info = new Attr(16).pointer(0, types).u32(8, types.length);
    if (result === 0) result = info.use((bytes) => objectInfo(fd, bytes));
    if (result < 0) throw bpfError(doing, 'bpf(BPF_OBJ_GET_INFO_BY_FD)', result);
    return Btf.parse(types);
  } finally {
    closeSync(fd);
  }
}
