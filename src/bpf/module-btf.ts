import { closeSync } from 'node:fs';
import { UnsupportedError } from '../errors.ts';
import { Attr, BPF_CMD, bpfError, objectInfo } from './syscall.ts';

/** The BTF of a loaded module as the kernel's own object: what programs are attached by. */
export interface ModuleBtfObject extends Disposable {
  readonly fd: number;
}

/** struct bpf_btf_info; the name came with 5.11, as did the BTF of modules. */
const INFO_BYTES = 32;
const NAME_BYTES = 64;

/**
 * Finds the BTF object of a module by its name.
 *
 * @throws PermissionError, SystemError; UnsupportedError when the module has none (any more)
 */
export function openModuleBtf(module: string): ModuleBtfObject {
  const attr = new Attr(12);
  for (let id = 0; ;) {
    attr.u32(0, id);
    if (attr.call(BPF_CMD.btfGetNextId) < 0) break;
    id = attr.getU32(4);
    const fd = new Attr(16).u32(0, id).call(BPF_CMD.btfGetFdById);
    // It may have gone with its module meanwhile.
    if (fd < 0) continue;
    if (btfName(fd) === module)
      return {
        fd,
        [Symbol.dispose]: () => {
          closeSync(fd);
        },
      };
    closeSync(fd);
  }
  throw new UnsupportedError(`hooking module ${module}: it is not loaded, or has no BTF`);
}

/** Empty for the BTF of a program. */
function btfName(fd: number): string {
  const name = new Uint8Array(NAME_BYTES);
  const info = new Attr(INFO_BYTES).pointer(16, name).u32(24, name.length);
  const result = info.use((bytes) => objectInfo(fd, bytes));
  if (result < 0) throw bpfError('reading BTF', 'bpf(BPF_OBJ_GET_INFO_BY_FD)', result);
  const text = new TextDecoder('latin1').decode(name.subarray(0, name.indexOf(0)));
  // Kernel BTF only: a program's could have any name.
  return new DataView(info.bytes.buffer).getUint32(28, true) === 1 ? text : '';
}
