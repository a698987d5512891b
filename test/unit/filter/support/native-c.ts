import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import koffi from 'koffi';
import type { CompiledFilter } from '../../../../src/filter/compiler.ts';
import type { PacketMeta } from '../../../../src/filter/interpret.ts';
import type { MetaField } from '../../../../src/filter/meta.ts';

const FILTER_H = new URL('../../../../templates/include/filter/filter.h', import.meta.url);

/** Bytes behind a packet that may be fetched, as struct skb_shared_info is in the kernel. */
const ROOM = 320;
/** In the order of the C enum. */
const FIELDS: readonly MetaField[] = [
  ...(['protocol', 'pkttype', 'ifindex', 'mark', 'queue', 'hatype', 'rxhash', 'cpu'] as const),
  ...(['vlan_tci', 'vlan_present', 'random', 'vlan_tpid'] as const),
];
/** What a run returns that wrote past its window. */
export const OVERRUN = 0xdeadbeef;

export type Run = (
  index: number,
  packet: Uint8Array,
  options: { wireLength: number; behind?: number; failFetch?: boolean; meta?: PacketMeta },
) => number;

/** The compiler to use, undefined when there is none. */
export function findCompiler(): string | undefined {
  return ['gcc', 'clang', 'cc'].find((name) => {
    try {
      execFileSync(name, ['--version'], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  });
}

/** Compiles all filters into one shared object, which is removed at once and stays loaded. */
export async function buildNative(
  compiler: string,
  filters: readonly CompiledFilter[],
  options: { readonly varStack: boolean },
): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), 'xcap-filter-'));
  try {
    const source = join(folder, 'filters.c');
    const object = join(folder, 'filters.so');
    writeFileSync(source, program(filters, options.varStack));
    const flags = ['-x', 'c', '-std=gnu11', '-O1', '-shared', '-fPIC', '-w', '-o', object];
    await promisify(execFile)(compiler, [...flags, source]);
    return load(object);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function load(object: string): Run {
  const run = koffi
    .load(object)
    .func(
      'uint32_t run(uint32_t n, void *bytes, uint32_t linear, uint32_t room, uint32_t wire, int fail, void *known)',
    ) as (n: number, bytes: Uint8Array, ...rest: (number | BigInt64Array)[]) => number;
  const memory = new Uint8Array(1 << 16);
  return (index, packet, { wireLength, behind = 0, failFetch = false, meta = {} }) => {
    memory.set(packet);
    memory.fill(behind, packet.length, packet.length + ROOM);
    const known = BigInt64Array.from(FIELDS, (field) => BigInt(meta[field] ?? -1));
    return run(index, memory, packet.length, ROOM, wireLength, failFetch ? 1 : 0, known);
  };
}

function program(filters: readonly CompiledFilter[], varStack: boolean): string {
  const wrappers = filters.map(({ symbol, windowBytes }, i) => {
    const words = windowBytes / 8;
    return `static __attribute__((noinline)) u32 run${i}(struct xcap_pkt *p)
{
	struct { u64 w[${words}]; u64 canary; } s = { .canary = 0x5ca1ab1e };
	u32 result = ${symbol}(p, (u8 *)s.w);
	return s.canary == 0x5ca1ab1e ? result : ${OVERRUN};
}`;
  });
  return `#include <stdint.h>
#include <string.h>
typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
static const u8 *first, *last;
static int broken;
static int fetch(void *dst, u32 size, const void *src)
{
	if (broken || (const u8 *)src < first || (const u8 *)src + size > last)
		return -14;
	memcpy(dst, src, size);
	return 0;
}
enum { ${FIELDS.join(', ')}, FIELDS };
static int64_t meta[FIELDS];
static int ask(int field, u32 *value)
{
	*value = meta[field];
	return meta[field] < 0;
}
#define XCAP_META(field, p, value) ask(field, value)
#define XCAP_FETCH(dst, size, src) fetch(dst, size, src)
#define XCAP_VAR_STACK ${varStack ? 1 : 0}
${readFileSync(FILTER_H, 'utf8')}
${filters.map(({ text }) => text).join('\n')}
${wrappers.join('\n')}
static u32 (*const table[])(struct xcap_pkt *) = { ${filters.map((_, i) => `run${i}`).join(', ')} };
u32 run(u32 n, const u8 *bytes, u32 linear, u32 room, u32 wire, int fail, const int64_t *known)
{
	struct xcap_pkt p = { .start = bytes, .linear = linear, .wire_len = wire };

	first = bytes;
	last = bytes + linear + room;
	broken = fail;
	memcpy(meta, known, sizeof(meta));
	return table[n](&p);
}
`;
}
