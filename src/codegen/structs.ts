import type { Btf } from '../btf/btf.ts';
import { BtfError } from '../btf/error.ts';
import { findMember } from '../btf/members.ts';
import type { BtfComposite, BtfMember } from '../btf/types.ts';
import { flag } from './flag.ts';
import { bitfieldStorage } from './bitfield.ts';
import { leafDeclaration } from './struct-leaf.ts';
import { indent, layOut, type Slot } from './struct-layout.ts';

/** Members wanted of each struct; a dot goes into a nested struct (`nd_net.net`), never through a pointer. */
export type StructWants = Readonly<Record<string, readonly string[]>>;

/** What emitStructs() collects for one struct beside its members. */
interface Emission {
  readonly struct: string;
  /** Wanted paths that this kernel has. */
  readonly present: Set<string>;
  readonly offsets: { readonly path: string; readonly offset: number }[];
  readonly accessors: string[];
}

/**
 * C definitions of the wanted structs with only the wanted members, each at the offset that it has
 * in this BTF, so that a plain load through a typed pointer is one the verifier knows. Needs the
 * types u8 ... s64. For each struct and member:
 *
 * - `XCAP_HAS_net`, `XCAP_HAS_net__ns__inum`: 1 when this kernel has it, else 0 (it is left out then);
 * - a bit-field becomes an unsigned member `xcap_bits_NAME` that holds it, and
 *   `XCAP_BITS_sk_buff__pkt_type(read, p)` gives its value by `read(p, member)`;
 * - pointers to wanted structs are typed, all others are `void *`;
 * - `XCAP_BTF_ID(p)` is the id of the type that p points to;
 * - static asserts hold every offset and size.
 *
 * Throws BtfError for a layout that C cannot have without `packed`, and for a 32-bit kernel.
 */
export function emitStructs(btf: Btf, wants: StructWants): string {
  if (btf.pointerSize() !== 8) {
    throw new BtfError(
      `writing kernel structs as C: pointers of ${btf.pointerSize()} bytes: xcap needs a 64-bit kernel`,
    );
  }
  const names = Object.keys(wants);
  const available = new Set(names.filter((name) => btf.struct(name) !== undefined));
  const lines = ['/* Kernel structures as the running kernel has them: made from its BTF. */'];
  lines.push(...names.map((name) => `${btf.struct(name)?.kind ?? 'struct'} ${name};`));
  for (const name of names) {
    const emission: Emission = { struct: name, present: new Set(), offsets: [], accessors: [] };
    lines.push('', ...emitStruct(btf, emission, wants[name] ?? [], available));
  }
  lines.push('', ...emitIds(btf, [...available]));
  return `${lines.join('\n')}\n`;
}

/** The BTF id of what a pointer points to. */
function emitIds(btf: Btf, names: readonly string[]): string[] {
  const cases = names.flatMap((name) => {
    const struct = btf.struct(name);
    return struct?.kind === 'struct'
      ? [`struct ${name} *: ${struct.id}, const struct ${name} *: ${struct.id}`]
      : [];
  });
  return [`#define XCAP_BTF_ID(p) _Generic((p), ${cases.join(', ')})`];
}

function emitStruct(
  btf: Btf,
  emission: Emission,
  paths: readonly string[],
  available: ReadonlySet<string>,
): string[] {
  const name = emission.struct;
  const struct = btf.struct(name);
  const lines: string[] = [];
  if (struct !== undefined) {
    const slots = collectSlots(btf, emission, struct, paths, '', 0, available);
    checkSize(name, struct.sizeBytes, slots);
    const keyword = struct.kind;
    lines.push(`${keyword} ${name} {`, ...indent(layOut(name, struct.sizeBytes, slots)), '};');
    lines.push(assertEqual(`sizeof(${keyword} ${name})`, struct.sizeBytes, name));
    for (const { path, offset } of emission.offsets) {
      const actual = `__builtin_offsetof(${keyword} ${name}, ${path})`;
      lines.push(assertEqual(actual, offset, `${name}.${path}`));
    }
    lines.push(...emission.accessors);
  }
  lines.push(`#define XCAP_HAS_${name} ${struct === undefined ? 0 : 1}`);
  for (const path of paths) {
    const macro = `XCAP_HAS_${name}__${path.replaceAll('.', '__')}`;
    lines.push(`#define ${macro} ${flag(emission.present.has(path))}`);
  }
  return lines;
}

/** Slots of one struct, or of a nested one: `prefix` is its path with a final dot, `base` its offset. */
function collectSlots(
  btf: Btf,
  emission: Emission,
  struct: BtfComposite,
  paths: readonly string[],
  prefix: string,
  base: number,
  available: ReadonlySet<string>,
): Slot[] {
  const slots: Slot[] = [];
  for (const [name, below] of groupByHead(paths)) {
    const member = findMember(btf, struct, name);
    if (member === undefined) continue;
    const path = `${prefix}${name}`;
    if (member.bitfieldSize !== 0) {
      if (below.length === 0) slots.push(bitfieldSlot(btf, emission, member, path, base));
      continue;
    }
    const offset = member.bitOffset / 8;
    if (below.length === 0) {
      const leaf = leafDeclaration(btf, member, available);
      slots.push({ ...leaf, offset });
    } else {
      const inner = btf.resolve(member.typeId);
      if (inner.kind !== 'struct' && inner.kind !== 'union') continue;
      const nested = collectSlots(
        btf,
        emission,
        inner,
        below,
        `${path}.`,
        base + offset,
        available,
      );
      if (nested.length === 0) continue;
      checkSize(path, inner.sizeBytes, nested);
      slots.push({
        offset,
        size: inner.sizeBytes,
        align: Math.max(...nested.map((slot) => slot.align)),
        declaration: ['struct {', ...indent(layOut(path, inner.sizeBytes, nested)), `} ${name}`],
      });
    }
    emission.offsets.push({ path, offset: base + offset });
    emission.present.add(path);
  }
  return slots;
}

function bitfieldSlot(
  btf: Btf,
  emission: Emission,
  member: BtfMember,
  path: string,
  base: number,
): Slot {
  const type = btf.resolve(member.typeId);
  const signed = (type.kind === 'int' || type.kind === 'enum') && type.signed;
  const storage = bitfieldStorage(member, signed, btf.littleEndian);
  const name = `xcap_bits_${member.name}`;
  const storagePath = `${path.slice(0, path.length - member.name.length)}${name}`;
  emission.offsets.push({ path: storagePath, offset: base + storage.offset });
  const macro = `XCAP_BITS_${emission.struct}__${path.replaceAll('.', '__')}`;
  emission.accessors.push(
    `#define ${macro}(read, p) ${storage.extract(`read(p, ${storagePath})`)}`,
  );
  emission.present.add(path);
  return {
    offset: storage.offset,
    size: storage.size,
    align: storage.size,
    declaration: [`u${storage.size * 8} ${name}`],
  };
}

/** `['ns.inum', 'ns.count', 'ifindex']` as `ns -> [inum, count]`, `ifindex -> []`. */
function groupByHead(paths: readonly string[]): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const path of paths) {
    const dot = path.indexOf('.');
    const head = dot < 0 ? path : path.slice(0, dot);
    const group = groups.get(head) ?? [];
    if (dot >= 0) group.push(path.slice(dot + 1));
    groups.set(head, group);
  }
  return groups;
}

/** C rounds the size of a struct up to its alignment; a packed kernel struct need not be so. */
function checkSize(what: string, size: number, slots: readonly Slot[]): void {
  const align = Math.max(1, ...slots.map((slot) => slot.align));
  if (size % align !== 0) {
    throw new BtfError(
      `writing struct ${what} as C: ${size} bytes: no multiple of its alignment ${align}`,
    );
  }
}

function assertEqual(actual: string, expected: number, what: string): string {
  return `_Static_assert(${actual} == ${expected}, "${what}");`;
}
