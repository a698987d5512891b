import { Btf } from '../../src/btf/btf.ts';
import type { FeatureId } from '../../src/kernel/features.ts';
import type { KernelMemory } from '../../src/kernel/memory.ts';
import { openKernelView, type KernelView } from '../../src/kernel/view.ts';
import { BtfBuilder } from './btf-builder.ts';
import { MapReader } from './kernels.ts';

/** Types of parameters that the functions of a made-up kernel can have. */
export type ParameterType =
  | 'skb'
  | 'skb**'
  | 'skb** last'
  | 'sock'
  | 'net'
  | 'void*'
  | 'u32'
  | 'pair'
  | 'pktinfo'
  | 'xdp'
  | 'pool'
  | 'desc'
  | 'xsk'
  | '...';

/** Types that they can return. */
export type ReturnedType = 'int' | 'u32' | 'bool' | 'void' | 'void*' | 'skb' | 'verdict';

export interface MadeFunction {
  readonly name: string;
  readonly params: readonly ParameterType[];
  /** u32 unless told. */
  readonly returns?: ReturnedType;
  /** Undefined for the kernel itself. */
  readonly module?: string;
  /** How many pieces of code have the name; 0: it is inlined. */
  readonly symbols?: number;
  /** In available_filter_functions: true unless told. */
  readonly traceable?: boolean;
  /** Without it there are no types of it. */
  readonly typed?: boolean;
}

export interface MadeKernel {
  readonly functions: readonly MadeFunction[];
  /** Symbols of no type: `tcp_v4_rcv.isra.0`. */
  readonly symbols?: readonly string[];
  readonly without?: readonly FeatureId[];
  /** kallsyms gives no addresses. */
  readonly hidden?: boolean;
  readonly files?: Readonly<Record<string, string>>;
  readonly memory?: KernelMemory | undefined;
}

/** A kernel of these functions, as xcap sees one through its files. */
export function makeKernel(kernel: MadeKernel): { view: KernelView; reader: MapReader } {
  const { functions, symbols = [], without = [], hidden = false } = kernel;
  const base = new BtfBuilder();
  const types = addTypes(base);
  addFunctions(
    base,
    types,
    functions.filter(({ module }) => module === undefined),
  );
  const vmlinux = base.build();
  const files: Record<string, string | Uint8Array> = { '/sys/kernel/btf/vmlinux': vmlinux };
  const own = Btf.parse(vmlinux);
  const modules = new Set(functions.flatMap(({ module }) => module ?? []));
  for (const module of modules) {
    const members = functions.filter((each) => each.module === module);
    if (members.every(({ typed }) => typed === false)) continue;
    const split = new BtfBuilder({ base: { btf: own, stringBytes: base.stringBytes } });
    addFunctions(split, types, members);
    files[`/sys/kernel/btf/${module}`] = split.build();
  }
  let address = 0xffffffff81000000n;
  const line = (name: string, module?: string): string => {
    address += 0x100n;
    const place = (hidden ? 0n : address).toString(16).padStart(16, '0');
    return `${place} t ${name}${module === undefined ? '' : `\t[${module}]`}\n`;
  };
  files['/proc/kallsyms'] = [
    ...functions.flatMap(({ name, module, symbols: count = 1 }) =>
      Array.from({ length: count }, () => line(name, module)),
    ),
    ...symbols.map((name) => line(name)),
  ].join('');
  files['/sys/kernel/tracing/available_filter_functions'] = functions
    .filter(({ traceable = true, symbols: count = 1 }) => traceable && count > 0)
    .map(({ name, module }) => `${name}${module === undefined ? '' : ` [${module}]`}\n`)
    .join('');
  const reader = new MapReader({ files: { ...files, ...kernel.files } });
  const view = openKernelView({
    reader,
    arch: 'x64',
    memory: kernel.memory,
    createProber: () => (id) => (without.includes(id) ? 'no' : 'yes'),
  });
  return { view, reader };
}

function addTypes(
  builder: BtfBuilder,
): Readonly<Record<Exclude<ParameterType, '...'> | ReturnedType, number>> {
  const fwd = (name: string): number => builder.add({ kind: 'fwd', name, union: false });
  const ptr = (typeId: number): number => builder.add({ kind: 'ptr', name: '', typeId });
  const u32 = builder.int('unsigned int', 4);
  const u64 = builder.int('unsigned long', 8);
  const struct = (name: string, names: readonly string[], last = u64): number =>
    builder.add({
      kind: 'struct',
      name,
      sizeBytes: names.length * 8,
      members: names.map((member, i) => ({
        name: member,
        typeId: i === names.length - 1 ? last : u64,
        bitOffset: i * 64,
        bitfieldSize: 0,
      })),
    });
  const skb = ptr(struct('sk_buff', ['head']));
  struct('pt_regs', ['r9', 'r8', 'ax', 'cx', 'dx', 'si', 'di', 'sp']);
  struct('bpf_flow_dissector', ['flow_keys', 'skb'], skb);
  struct('bpf_prog', ['a', 'b', 'c', 'd', 'e', 'f', 'aux', 'insnsi']);
  return {
    skb,
    'skb**': ptr(skb),
    'skb** last': ptr(skb),
    sock: ptr(fwd('sock')),
    net: ptr(fwd('net')),
    'void*': ptr(0),
    u32,
    xdp: ptr(fwd('xdp_buff')),
    pool: ptr(struct('xsk_buff_pool', ['addrs', 'tx_descs'])),
    desc: ptr(fwd('xdp_desc')),
    // Since 6.x it has a packet of its own, which is not the one that it is given.
    xsk: ptr(struct('xdp_sock', ['dev', 'skb'], skb)),
    pktinfo: ptr(struct('nft_pktinfo', ['state', 'skb'], skb)),
    pair: struct('pair', ['a', 'b']),
    int: builder.int('int', 4, true),
    bool: builder.int('_Bool', 1),
    void: 0,
    verdict: builder.add({
      ...{ kind: 'typedef', name: 'verdict_t' },
      typeId: builder.add({
        ...{ kind: 'enum', name: 'verdict', sizeBytes: 4, signed: true },
        values: [
          { name: 'VERDICT_NONE', value: -1n },
          { name: 'VERDICT_PASS', value: 3n },
          { name: 'VERDICT_LAST', value: 3n },
        ],
      }),
    }),
  };
}

/** What is pointed to twice is told by its name. */
function nameOf(type: string, index: number): string {
  if (type === 'skb**') return 'pskb';
  return type === 'skb** last' ? 'last' : `p${index + 1}`;
}

function addFunctions(
  builder: BtfBuilder,
  types: ReturnType<typeof addTypes>,
  functions: readonly MadeFunction[],
): void {
  for (const { name, params, returns = 'u32', typed = true } of functions) {
    if (!typed) continue;
    const typeId = builder.add({
      kind: 'func_proto',
      name: '',
      returnTypeId: types[returns],
      params: params.map((type, i) =>
        type === '...' ? { name: '', typeId: 0 } : { name: nameOf(type, i), typeId: types[type] },
      ),
    });
    builder.add({ kind: 'func', name, typeId, linkage: 0 });
  }
}
