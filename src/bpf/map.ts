import { closeSync } from 'node:fs';
import type { MapSpec } from '../abi/maps.ts';
import { errnoName } from '../ffi/library.ts';
import { Attr, BPF_CMD, bpfError } from './syscall.ts';

/** An open BPF map; the kernel frees it with the last descriptor or program that holds it. */
export class BpfMap implements Disposable {
  readonly fd: number;
  readonly spec: MapSpec;

  private constructor(fd: number, spec: MapSpec) {
    this.fd = fd;
    this.spec = spec;
  }

  /** @throws PermissionError, SystemError */
  static create(spec: MapSpec): BpfMap {
    const attr = new Attr(72)
      .u32(0, spec.type)
      .u32(4, spec.keySize)
      .u32(8, spec.valueSize)
      .u32(12, spec.maxEntries)
      .u32(16, spec.flags)
      .name(28, spec.name);
    const fd = attr.call(BPF_CMD.mapCreate);
    if (fd < 0) throw bpfError(`creating map ${spec.name}`, 'bpf(BPF_MAP_CREATE)', fd);
    return new BpfMap(fd, spec);
  }

  /**
   * Value of a 32-bit key; a per-CPU map's value holds one copy for each possible CPU, each
   * rounded up to 8 bytes.
   *
   * @param bytes size of the whole value
   */
  lookup(key: number, bytes: number): Uint8Array {
    const keyBytes = new Uint8Array(Uint32Array.of(key).buffer);
    const value = new Uint8Array(bytes);
    const attr = new Attr(32).u32(0, this.fd).pointer(8, keyBytes).pointer(16, value);
    const result = attr.call(BPF_CMD.mapLookupElem);
    if (result < 0) {
      throw bpfError(`reading map ${this.spec.name}`, 'bpf(BPF_MAP_LOOKUP_ELEM)', result);
    }
    return value;
  }

  /**
   * Reads up to `room` elements from bucket or index `from` on (BPF_MAP_LOOKUP_BATCH); `next` is where the next call goes on.
   *
   * @returns 0 or -errno, and how many were read
   */
  lookupBatch(
    from: Uint32Array | undefined,
    next: Uint32Array,
    keys: Uint8Array,
    values: Uint8Array,
    room: number,
  ): { readonly result: number; readonly count: number } {
    const attr = new Attr(56)
      .pointer(8, new Uint8Array(next.buffer))
      .pointer(16, keys)
      .pointer(24, values)
      .u32(32, room)
      .u32(36, this.fd);
    if (from !== undefined) attr.pointer(0, new Uint8Array(from.buffer));
    const result = attr.call(BPF_CMD.mapLookupBatch);
    return { result, count: attr.getU32(32) };
  }

  /**
   * The first `count` values of an array, as lookup() gives each, one behind the other: by one call since 5.13, of a per-CPU
   * array (commit f008d732ab18).
   */
  lookupAll(count: number, bytes: number): Uint8Array {
    const values = new Uint8Array(count * bytes);
    const keys = new Uint8Array(count * this.spec.keySize);
    const read = this.lookupBatch(undefined, new Uint32Array(1), keys, values, count);
    if (read.result >= 0 && read.count === count) return values;
    for (let key = 0; key < count; key++) values.set(this.lookup(key, bytes), key * bytes);
    return values;
  }

  /** Value of a key, `bytes` long; undefined when there is none. @throws SystemError */
  find(key: Uint8Array, bytes: number): Uint8Array | undefined {
    const value = new Uint8Array(bytes);
    const attr = new Attr(32).u32(0, this.fd).pointer(8, key).pointer(16, value);
    const result = attr.call(BPF_CMD.mapLookupElem);
    if (result >= 0) return value;
    if (errnoName(-result) === 'ENOENT') return undefined;
    throw bpfError(`reading map ${this.spec.name}`, 'bpf(BPF_MAP_LOOKUP_ELEM)', result);
  }

  /** Makes or replaces an element; `value` as lookup() gives it. @throws SystemError */
  update(key: Uint8Array, value: Uint8Array, flags = 0): void {
    const attr = new Attr(32)
      .u32(0, this.fd)
      .pointer(8, key)
      .pointer(16, value)
      .u64(24, BigInt(flags));
    const result = attr.call(BPF_CMD.mapUpdateElem);
    if (result < 0) {
      throw bpfError(`writing map ${this.spec.name}`, 'bpf(BPF_MAP_UPDATE_ELEM)', result);
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.fd);
  }
}
