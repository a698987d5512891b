import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MAP_PLACEHOLDER, type MapSpec } from '../../../src/abi/maps.ts';
import { BpfMap } from '../../../src/bpf/map.ts';
import { BpfProgram } from '../../../src/bpf/program.ts';
import { Attr, BPF_CMD } from '../../../src/bpf/syscall.ts';
import { runOnPacket } from '../../../src/bpf/test-run.ts';
import { ObjectCompiler } from '../../../src/compile/object-compiler.ts';
import { relocate } from '../../../src/compile/object.ts';
import { compose } from '../../../src/codegen/compose.ts';
import type { CompiledFilter } from '../../../src/filter/compiler.ts';

const BPF_PROG_TYPE_XDP = 6;
const XDP_ABORTED = 0;
const XDP_PASS = 2;
const SLOT: MapSpec = {
  name: 'xcap_figures',
  type: 2,
  keySize: 4,
  valueSize: 16 + 4096,
  maxEntries: 1,
  flags: 0,
};
const templates = join(import.meta.dirname, '../../../templates');

/**
 * XDP programs, because their test runs repeat: `direct` reads the packet's bytes in place, within
 * data_end, and copies nothing; `probe` is what a tracing program does, one probe read of the window
 * onto the stack, here from the same memory.
 */
const TEXT = `#include "helpers.h"

struct xcap_direct;
static __always_inline int xcap_in_place(const void *packet, void *to, u32 size, const void *from);

#if XCAP_DIRECT
/* The window is not copied: w becomes the place in the packet where it would be copied from. */
#define XCAP_WINDOW(w, pad, size, start, first)                                       \\
	({                                                                            \\
		const u8 *xcap_from = (const u8 *)(start) + (first);                  \\
		int xcap_failed = xcap_from + (size) > ((struct xcap_direct *)p)->end; \\
		if (!xcap_failed)                                                     \\
			(w) = (u8 *)xcap_from - (pad);                                \\
		xcap_failed;                                                          \\
	})
#define XCAP_FIELD(bits, value, src) xcap_in_place(p, value, (bits) / 8, src)
#endif
#include "filter/filter.h"

struct xcap_direct {
	struct xcap_pkt p;
	const u8 *end;
};

static __always_inline int xcap_in_place(const void *packet, void *to, u32 size, const void *from)
{
	if ((const u8 *)from + size > ((const struct xcap_direct *)packet)->end)
		return -1;
	__builtin_memcpy(to, from, size);
	return 0;
}

int xcap_empty(struct xdp_md *ctx)
{
	return ${XDP_PASS};
}

/* One copy: what the packet is comes anew, and nothing that an earlier copy knows is used. */
#define XCAP_COPY(filter, window)                                                     \\
	({                                                                            \\
		volatile struct xdp_md *xdp = ctx;                                    \\
		struct xcap_direct d;                                                 \\
		u64 w[(window) / 8];                                                  \\
		u32 verdict;                                                          \\
                                                                                      \\
		d.p.start = (void *)(u64)xdp->data;                                   \\
		d.end = (void *)(u64)xdp->data_end;                                   \\
		d.p.linear = (u64)d.end - (u64)d.p.start;                             \\
		d.p.wire_len = d.p.linear;                                            \\
		verdict = filter(&d.p, (u8 *)w);                                      \\
		asm volatile("" : "+r"(verdict) : : "memory");                        \\
		verdict;                                                              \\
	})

#define XCAP_FIGURE(program, filter, window, more)                                    \\
	int program(struct xdp_md *ctx)                                               \\
	{                                                                             \\
		more                                                                  \\
		return XCAP_COPY(filter, window) ? ${XDP_PASS} : ${XDP_ABORTED};      \\
	}

#include "filters.gen.h"
`;

export type Form = 'direct' | 'probe';

export interface FigureProgram {
  readonly instructions: number;
  readonly jitedBytes: number;
  /** Whether the packet matches, and nanoseconds of one run. */
  run(packet: Uint8Array, repeat: number): { readonly matches: boolean; readonly ns: number };
}

/**
 * Loads filters as XDP programs; the first of the result is an empty one.
 *
 * @param copies how often the filter stands in its program, one after the other
 */
export async function loadFigures(
  filters: readonly CompiledFilter[],
  form: Form,
  copies: number,
): Promise<readonly FigureProgram[]> {
  const functions = ['xcap_empty', ...filters.map((_, i) => `xcap_figure${i}`)];
  const direct = form === 'direct';
  const text = compose({
    entries: ['figures.bpf.c'],
    generated: {
      'config.gen.h': `#define XCAP_TYPED 0
#define XCAP_MAP_PLACEHOLDER ${MAP_PLACEHOLDER}
#define XCAP_DIRECT ${direct ? 1 : 0}
#define XCAP_VAR_STACK ${direct ? 0 : 1}
`,
      'filters.gen.h': filters
        .flatMap(({ symbol, text: body, windowBytes }, i) => [
          body,
          `XCAP_FIGURE(xcap_figure${i}, ${symbol}, ${Math.max(8, windowBytes)}, ${`(void)XCAP_COPY(${symbol}, ${Math.max(8, windowBytes)});`.repeat(copies - 1)})`,
          '',
        ])
        .join('\n'),
    },
    readTemplate: (path) =>
      path === 'figures.bpf.c' ? TEXT : readFileSync(join(templates, path), 'utf8'),
  });
  const compiler = await ObjectCompiler.start(undefined);
  const object = await compiler.compile({
    units: [{ text, functions }],
    maps: [SLOT],
    license: 'Dual MIT/GPL',
  });
  const map = BpfMap.create(SLOT);
  return object.programs.map((compiled) => {
    const spec = {
      name: 'xcap_figure',
      type: BPF_PROG_TYPE_XDP,
      attachType: 0,
      attachBtfId: 0,
      license: object.license,
    };
    const program = BpfProgram.load(spec, relocate(compiled, new Map([[SLOT.name, map.fd]])));
    return {
      ...sizesOf(program),
      run: (packet, repeat) => {
        const { returned, durationNs } = runOnPacket(program, packet, repeat);
        return { matches: returned === XDP_PASS, ns: durationNs };
      },
    };
  });
}

/** struct bpf_prog_info: jited_prog_len and xlated_prog_len, in bytes. */
function sizesOf(program: BpfProgram): Pick<FigureProgram, 'instructions' | 'jitedBytes'> {
  const info = new Uint8Array(224);
  new Attr(16).u32(0, program.fd).u32(4, info.length).pointer(8, info).call(BPF_CMD.objGetInfoByFd);
  const view = new DataView(info.buffer);
  return { jitedBytes: view.getUint32(16, true), instructions: view.getUint32(20, true) / 8 };
}
