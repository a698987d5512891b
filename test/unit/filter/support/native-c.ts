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
/** What a run returns that wrote past its window, or loaded a word that is not all there. */
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

/** How the text gets at packets: by a copy on the stack, which is read at any offset or at constant ones, or in place by words. */
export type Way = 'variable stack reads' | 'constant stack reads' | 'in place';

/** Compiles all filters into one shared object, which is removed at once and stays loaded. */
export async function buildNative(
  compiler: string,
  filters: readonly CompiledFilter[],
  way: Way,
): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), 'xcap-filter-'));
  try {
    const source = join(folder, 'filters.c');
    const object = join(folder, 'filters.so');
    writeFileSync(source, program(filters, way));
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

/** As templates/include/packet.h has it, where a word ahead may reach beyond the packet. */
const IN_PLACE = `
static u64 word(const void *at, const u8 *end)
{
	u64 value = 0;

	if ((const u8 *)at < first || (const u8 *)at + 8 > end)
		overrun = 1;
	else
		memcpy(&value, at, 8);
	return value;
}
#define XCAP_WINDOW(w, pad, size, start, from) ((w) = (u8 *)(start) + (from) - (pad), broken)
#define XCAP_FIELD(bits, value, src) fetch(value, (bits) / 8, src)
#define XCAP_WORD(at) word(at, end)
#define XCAP_AHEAD(p, offset) word((p)->start + (offset), last)
`;

function program(filters: readonly CompiledFilter[], way: Way): string {
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
static const u8 *first, *end, *last;
static int broken, overrun;
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
#define XCAP_VAR_STACK ${way === 'variable stack reads' ? 1 : 0}
${way === 'in place' ? IN_PLACE : ''}
${readFileSync(FILTER_H, 'utf8')}
${filters.map(({ text }) => text).join('\n')}
${wrappers.join('\n')}
static u32 (*const table[])(struct xcap_pkt *) = { ${filters.map((_, i) => `run${i}`).join(', ')} };
u32 run(u32 n, const u8 *bytes, u32 linear, u32 room, u32 wire, int fail, const int64_t *known)
{
	struct xcap_pkt p = { .start = bytes, .linear = linear, .wire_len = wire };

	first = bytes;
	end = bytes + linear;
	last = end + room;
	broken = fail;
	overrun = 0;
	memcpy(meta, known, sizeof(meta));
	u32 result = table[n](&p);
	return overrun ? ${OVERRUN} : result;
}
`;
}
