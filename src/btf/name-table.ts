import type { TypeIndex } from './scan.ts';
import { KIND } from './types.ts';

/** What the table needs to know of a blob. */
export interface NameSource {
  readonly index: TypeIndex;
  /** The bytes that hold the name of own type i, and where it starts; it ends at a zero byte. */
  locateName(index: number): { readonly bytes: Uint8Array; readonly start: number };
}

/** Kinds that are looked up by name. Members and parameters are found through their owner. */
const NAMED = new Set<number>([
  KIND.int,
  KIND.struct,
  KIND.union,
  KIND.enum,
  KIND.fwd,
  KIND.typedef,
  KIND.func,
  KIND.var,
  KIND.datasec,
  KIND.float,
  KIND.enum64,
]);

/**
 * Types by (kind, name): an open-addressing hash table over the bytes of the names, because a
 * JavaScript string for each of 100,000 names would cost more than all else that is done here.
 */
export class NameTable {
  readonly #source: NameSource;
  readonly #slots: Uint32Array;
  readonly #mask: number;

  constructor(source: NameSource) {
    this.#source = source;
    const { count, kinds } = source.index;
    let size = 16;
    while (size < count * 2) size *= 2;
    this.#slots = new Uint32Array(size);
    this.#mask = size - 1;
    for (let i = 0; i < count; i++) {
      const kind = kinds[i] ?? 0;
      if (!NAMED.has(kind)) continue;
      const { bytes, start } = source.locateName(i);
      if (bytes[start] === 0) continue;
      let slot = hashBytes(bytes, start, kind) & this.#mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & this.#mask;
      this.#slots[slot] = i + 1;
    }
  }

  /** Own indices of all types of that kind and name, in the order of the blob. */
  *find(kind: number, name: Uint8Array): Generator<number> {
    let slot = hashBytes(name, 0, kind) & this.#mask;
    for (;;) {
      const entry = this.#slots[slot] ?? 0;
      if (entry === 0) return;
      if (this.#source.index.kinds[entry - 1] === kind) {
        const { bytes, start } = this.#source.locateName(entry - 1);
        if (sameName(bytes, start, name)) yield entry - 1;
      }
      slot = (slot + 1) & this.#mask;
    }
  }
}

/** FNV-1a over the bytes up to a zero byte or the end, seeded by the kind. */
function hashBytes(bytes: Uint8Array, start: number, kind: number): number {
  let hash = 0x811c9dc5 ^ kind;
  for (let i = start; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0;
    if (byte === 0) break;
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  // The low bits pick the slot: let the high ones take part.
  return (hash ^ (hash >>> 15)) >>> 0;
}

function sameName(bytes: Uint8Array, start: number, name: Uint8Array): boolean {
  for (let i = 0; i < name.length; i++) if (bytes[start + i] !== name[i]) return false;
  return bytes[start + name.length] === 0;
}
