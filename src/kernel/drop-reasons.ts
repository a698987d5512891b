import type { Btf } from '../btf/btf.ts';
import { enumsMatching, enumValues } from '../btf/enums.ts';
import { BtfError } from '../btf/error.ts';
import type { BtfEnum } from '../btf/types.ts';
import { UnsupportedError, UsageError } from '../errors.ts';
import { nearest } from '../util/nearest.ts';
import { type Clock, Gate, monotonicClock } from './gate.ts';
import type { ModuleBtfs } from './module-btfs.ts';

export interface DropReason {
  readonly value: number;
  readonly name: string;
  /** `CORE`, `OPENVSWITCH`, ...; undefined on kernels without subsystems (before 6.4). */
  readonly subsystem: string | undefined;
}

const PREFIX = 'SKB_DROP_REASON_';
const SUBSYSTEM_PREFIX = `${PREFIX}SUBSYS_`;
const SUBSYSTEM_SHIFT = 16;
/** A module that names a reason may be loaded while xcap runs. */
const MODULE_RESCAN_MS = 5000;

/**
 * Why a kernel drops packets, by number, as its own BTF names them: the numbers change from release
 * to release. `enum skb_drop_reason` holds the core's; each subsystem has an enum of its own, in
 * the kernel's BTF or in its module's, whose values hold the subsystem's number in the upper half.
 *
 * Names are the kernel's without `SKB_DROP_REASON_`; names without that prefix (`SKB_CONSUMED`,
 * `OVS_DROP_METER`, `QDISC_DROP_GENERIC`) stay as they are. Members that are no reasons are left
 * out: `*_MAX`, `*_MASK`, and those that start with `__`.
 */
export class DropReasons {
  readonly #modules: Pick<ModuleBtfs, 'names' | 'get'> | undefined;
  readonly #subsystems: ReadonlyMap<number, string>;
  readonly #byValue = new Map<number, DropReason>();
  readonly #byName = new Map<string, number>();
  readonly #mergedModules = new Set<string>();
  readonly #rescan: Gate;

  private constructor(
    vmlinux: Btf,
    modules: Pick<ModuleBtfs, 'names' | 'get'> | undefined,
    now: Clock,
  ) {
    this.#modules = modules;
    this.#rescan = new Gate(MODULE_RESCAN_MS, now);
    this.#subsystems = readSubsystems(vmlinux);
    // The core's first: mac80211 repeats two of its values under names of its own.
    const enums = [...enumsMatching(vmlinux, isReasonEnum)];
    enums.sort((a, b) => Number(b.name === CORE_ENUM) - Number(a.name === CORE_ENUM));
    for (const each of enums) this.#merge(each);
  }

  /** Modules are looked into when a reason of no known name needs them. */
  static fromBtf(
    vmlinux: Btf,
    modules?: Pick<ModuleBtfs, 'names' | 'get'>,
    now: Clock = monotonicClock,
  ): DropReasons {
    return new DropReasons(vmlinux, modules, now);
  }

  /** Kernels before 5.17 have no reasons at all. */
  get available(): boolean {
    return this.#byValue.size > 0;
  }

  /** The name; without one the number, as `OPENVSWITCH:13` in a known subsystem but the core. */
  name(value: number): string {
    const known = this.#byValue.get(value);
    if (known !== undefined) return known.name;
    const subsystem = value >>> SUBSYSTEM_SHIFT;
    if (subsystem === 0) return String(value);
    if (this.#rescan.pass() && this.#mergeModules()) return this.name(value);
    const name = this.#subsystems.get(subsystem);
    return name === undefined ? String(value) : `${name}:${value & 0xffff}`;
  }

  /**
   * The number of a reason given by name (any case, with or without prefix), number (decimal or
   * 0x), or as name() writes it. Throws UsageError with the nearest names, or UnsupportedError when
   * this kernel has no reasons.
   */
  parse(text: string): number {
    if (!this.available) {
      throw new UnsupportedError(
        `choosing drop reasons: ${text}: this kernel has none, they came with Linux 5.17`,
        { hint: 'leave out --reason: each drop is shown with its location' },
      );
    }
    const value = this.#parseNumber(text) ?? this.#parseName(text);
    if (value !== undefined) return value;
    const near = nearest(stripPrefix(text.toUpperCase()), this.#byName.keys());
    throw new UsageError(`choosing drop reasons: ${text}: this kernel has no such reason`, {
      hint: `${near.length > 0 ? `did you mean ${near.join(' or ')}? ` : ''}xcap reasons lists them`,
    });
  }

  /** All reasons by number, those of loaded modules too. */
  list(): readonly DropReason[] {
    this.#mergeModules();
    return [...this.#byValue.values()].sort((a, b) => a.value - b.value);
  }

  #parseNumber(text: string): number | undefined {
    const [, subsystem, digits] = /^(?:([A-Za-z]\w*):)?(0[xX][0-9a-fA-F]+|\d+)$/.exec(text) ?? [];
    if (digits === undefined) return undefined;
    const value = Number(digits);
    if (subsystem === undefined) return value <= 0xffffffff ? value : undefined;
    for (const [number, name] of this.#subsystems) {
      if (name !== subsystem.toUpperCase() || value > 0xffff) continue;
      return ((number << SUBSYSTEM_SHIFT) | value) >>> 0;
    }
    return undefined;
  }

  #parseName(text: string): number | undefined {
    const upper = text.toUpperCase();
    const find = (): number | undefined =>
      this.#byName.get(upper) ??
      this.#byName.get(stripPrefix(upper)) ??
      this.#byName.get(`SKB_${upper}`);
    return find() ?? (this.#mergeModules() ? find() : undefined);
  }

  /** Takes in the modules that were not there the last time; true when there was one with reasons. */
  #mergeModules(): boolean {
    const before = this.#byValue.size;
    for (const name of this.#modules?.names() ?? []) {
      if (this.#mergedModules.has(name)) continue;
      this.#mergedModules.add(name);
      try {
        const btf = this.#modules?.get(name);
        if (btf === undefined) continue;
        for (const each of enumsMatching(btf, isReasonEnum)) this.#merge(each);
      } catch (error) {
        // Reasons of a module with broken BTF stay numbers: no ground to end a capture.
        if (!(error instanceof BtfError)) throw error;
      }
    }
    return this.#byValue.size > before;
  }

  #merge(type: BtfEnum): void {
    const core = type.name === CORE_ENUM;
    for (const member of type.values) {
      const value = Number(BigInt.asUintN(32, member.value));
      const subsystem = this.#subsystems.get(value >>> SUBSYSTEM_SHIFT);
      const name = stripPrefix(member.name);
      if (isPseudo(member.name) || this.#byValue.has(value)) continue;
      // An enum that merely has such a name, and the base values of one that is what it seems.
      if (!core && value >>> SUBSYSTEM_SHIFT === 0) continue;
      const taken = this.#byName.has(name);
      const unique = taken ? `${subsystem ?? value >>> SUBSYSTEM_SHIFT}_${name}` : name;
      this.#byValue.set(value, { value, name: unique, subsystem });
      this.#byName.set(unique, value);
    }
  }
}

const CORE_ENUM = 'skb_drop_reason';

function isReasonEnum(name: string): boolean {
  return name.endsWith('_drop_reason');
}

function isPseudo(name: string): boolean {
  return name.startsWith('__') || name.endsWith('_MAX') || name.endsWith('_MASK');
}

function stripPrefix(name: string): string {
  return name.startsWith(PREFIX) ? name.slice(PREFIX.length) : name;
}

function readSubsystems(vmlinux: Btf): Map<number, string> {
  const subsystems = new Map<number, string>();
  for (const [name, value] of enumValues(vmlinux, 'skb_drop_reason_subsys') ?? []) {
    const short = name.startsWith(SUBSYSTEM_PREFIX) ? name.slice(SUBSYSTEM_PREFIX.length) : name;
    if (short !== 'NUM') subsystems.set(Number(value), short);
  }
  return subsystems;
}
