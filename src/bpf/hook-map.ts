import { closeSync, readFileSync, statfsSync } from 'node:fs';
import { SystemError, UsageError } from '../errors.ts';
import { parseHookMapFacts, type HookMapFacts } from '../kernel/hook-map-facts.ts';
import type { BpfProgramFacts } from '../kernel/bpf-programs.ts';
import type { BpfProgram } from './program.ts';
import { livePrograms } from './programs.ts';
import { Attr, BPF_CMD, bpfError, cString } from './syscall.ts';

/** BPF_FS_MAGIC of include/uapi/linux/magic.h. */
const BPF_FS = 0xcafe4a11;
const ENOENT = 2;

/** A pinned program array, as somebody else made it. */
export class HookMap implements Disposable {
  readonly path: string;
  readonly facts: HookMapFacts;
  readonly #fd: number;

  private constructor(path: string, fd: number, facts: HookMapFacts) {
    this.path = path;
    this.#fd = fd;
    this.facts = facts;
  }

  /** @throws UsageError for what is no pinned map, PermissionError, SystemError */
  static open(path: string): HookMap {
    const doing = `opening hook map ${path}`;
    requireBpfFs(path, doing);
    const fd = new Attr(16).pointer(0, cString(path)).call(BPF_CMD.objGet);
    if (fd < 0) throw bpfError(doing, 'bpf(BPF_OBJ_GET)', fd);
    const facts = parseHookMapFacts(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'));
    if (facts !== undefined) return new HookMap(path, fd, facts);
    closeSync(fd);
    throw new UsageError(`${doing}: what is pinned there is no map`);
  }

  /** The program in an entry; undefined where there is none. */
  programIn(entry: number): BpfProgramFacts | undefined {
    const value = new Uint8Array(4);
    const result = this.#element(entry, value).call(BPF_CMD.mapLookupElem);
    if (result === -ENOENT) return undefined;
    if (result < 0) throw this.#error('reading', 'BPF_MAP_LOOKUP_ELEM', result);
    return livePrograms.byId(new DataView(value.buffer).getUint32(0, true));
  }

  /** Puts a program into an entry, whatever was there. @throws SystemError EINVAL for one of another kind */
  put(entry: number, program: BpfProgram): void {
    const value = new Uint8Array(Int32Array.of(program.fd).buffer);
    const result = this.#element(entry, value).call(BPF_CMD.mapUpdateElem);
    if (result < 0) throw this.#error('entering a program into', 'BPF_MAP_UPDATE_ELEM', result);
  }

  /** Empties an entry; it may be empty already. */
  remove(entry: number): void {
    const result = this.#element(entry, undefined).call(BPF_CMD.mapDeleteElem);
    if (result < 0 && result !== -ENOENT) {
      throw this.#error('emptying', 'BPF_MAP_DELETE_ELEM', result);
    }
  }

  #element(entry: number, value: Uint8Array | undefined): Attr {
    const key = new Uint8Array(Uint32Array.of(entry).buffer);
    const attr = new Attr(32).u32(0, this.#fd).pointer(8, key);
    return value === undefined ? attr : attr.pointer(16, value);
  }

  #error(doing: string, command: string, result: number): Error {
    return bpfError(`${doing} hook map ${this.path}`, `bpf(${command})`, result);
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}

/** What a pinned map is. @throws as HookMap.open() */
export function readHookMapFacts(path: string): HookMapFacts {
  using map = HookMap.open(path);
  return map.facts;
}

/** Elsewhere bpf(2) says EACCES, which reads as if root were missing. */
function requireBpfFs(path: string, doing: string): void {
  let type;
  try {
    ({ type } = statfsSync(path));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    if (code === 'EACCES') throw bpfError(doing, 'statfs', -13);
    throw new UsageError(`${doing}: ${code === 'ENOENT' ? 'no such file' : code}`, {
      hint: 'bpftool map pin id N /sys/fs/bpf/NAME pins one that is not',
      cause: error,
    });
  }
  if (type >>> 0 === BPF_FS) return;
  throw new UsageError(`${doing}: it is not in a BPF file system`, {
    hint: 'hook maps are pinned, usually below /sys/fs/bpf',
  });
}

/** The kernel refused the program as one of another kind than the map's. */
export const isOtherKind = (error: unknown): boolean =>
  error instanceof SystemError && error.code === 'EINVAL';
