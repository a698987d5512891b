import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import koffi from 'koffi';
import { describe, expect, it } from 'vitest';
import { bytes, ethernet, filler, icmp, icmp6, ipv4, ipv6, vlan } from '../../support/packets.ts';
import { NO_TUNNELS, TUNNELS } from '../../support/tunnels.ts';
import { findCompiler } from './support/native-c.ts';

const include = (name: string): string =>
  readFileSync(new URL(`../../../templates/include/${name}`, import.meta.url), 'utf8');

const ETHERNET = 1;
const RAW = 0;
const OUT_OF_BOUNDS = -2;

/** Where the inner packet is; undefined: none, `short`: the bytes that would tell are not there. */
type Found = { offset: number; link: number } | 'short' | undefined;

/** templates/include/filter/tunnel.h as user space sees it: every fetch is checked against the packet. */
function build(compiler: string): (packet: Uint8Array, link: number) => Found {
  const folder = mkdtempSync(join(tmpdir(), 'xcap-tunnel-'));
  try {
    const source = join(folder, 'tunnel.c');
    const object = join(folder, 'tunnel.so');
    writeFileSync(
      source,
      `#include <stdint.h>
#include <string.h>
typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
static const u8 *first, *last;
static int broken;
static int fetch(void *dst, u32 size, const void *src)
{
	if ((const u8 *)src < first || (const u8 *)src + size > last) {
		broken = 1;
		return -14;
	}
	memcpy(dst, src, size);
	return 0;
}
#define XCAP_FETCH(dst, size, src) fetch(dst, size, src)
${include('filter/filter.h')}
${include('filter/tunnel.h').replace('#include "filter/filter.h"', '')}
int64_t run(const u8 *bytes, u32 length, u32 link)
{
	struct xcap_pkt p = { .start = bytes, .linear = length, .wire_len = length };
	struct xcap_inner inner;

	first = bytes;
	last = bytes + length;
	broken = 0;
	int none = xcap_tunnel(&p, link, &inner);
	if (broken)
		return ${OUT_OF_BOUNDS};
	if (none)
		return p.outside ? -3 : -1;
	return (int64_t)inner.offset << 1 | inner.link;
}
`,
    );
    const flags = ['-std=gnu11', '-O1', '-shared', '-fPIC', '-w', '-o', object];
    execFileSync(compiler, [...flags, source]);
    const run = koffi
      .load(object)
      .func('int64_t run(void *bytes, uint32_t length, uint32_t link)') as (
      packet: Uint8Array,
      length: number,
      link: number,
    ) => number;
    return (packet, link) => {
      const answer = run(packet, packet.length, link);
      if (answer === OUT_OF_BOUNDS) throw new Error('read outside the packet');
      if (answer === -3) return 'short';
      return answer < 0 ? undefined : { offset: answer >> 1, link: answer & 1 };
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const compiler = findCompiler();

const inside = {
  4: ipv4({ src: '10.1.0.1', dst: '10.1.0.2', protocol: 1 }, icmp(8, 0, filler(20))),
  6: ipv6({ src: 'fd01::1', dst: 'fd01::2', next: 58 }, icmp6(128, 0, filler(20))),
} as const;

describe.skipIf(compiler === undefined)('the inner packet', () => {
  const find = compiler === undefined ? () => undefined : build(compiler);

  const cases = TUNNELS.flatMap((tunnel) =>
    ([4, 6] as const).flatMap((outer) =>
      ([4, 6] as const).map((version) => {
        const packet = inside[version];
        const inner =
          tunnel.carries === 'ip' ? packet : ethernet(version === 4 ? 0x0800 : 0x86dd, packet);
        const link = tunnel.carries === 'ip' ? RAW : ETHERNET;
        const type = outer === 4 ? 0x0800 : 0x86dd;
        return {
          name: tunnel.name,
          outer,
          version,
          inner,
          link,
          type,
          ip: tunnel.wrap(inner, outer, version),
        };
      }),
    ),
  );

  it.each(cases)(
    'of $name over IPv$outer, IPv$version in it, is found from where all its headers are there',
    ({ ip, inner, link, type }) => {
      const tags = vlan(10, 0x8100, vlan(11, type, ip));
      for (const [whole, outerLink] of [
        [ip, RAW],
        [ethernet(type, ip), ETHERNET],
        [ethernet(0x8100, vlan(11, type, ip)), ETHERNET],
        [ethernet(0x88a8, tags), ETHERNET],
      ] as const) {
        const offset = whole.length - inner.length;
        for (let length = 0; length <= whole.length; length++) {
          const found = find(whole.slice(0, length), outerLink);
          // A header's last bytes may say nothing about where the next begins.
          if (length >= offset) expect(found).toEqual({ offset, link });
          else
            expect(
              found === 'short' || JSON.stringify(found) === JSON.stringify({ offset, link }),
            ).toBe(true);
        }
      }
    },
  );

  it.each(NO_TUNNELS)('is not seen in %s', (_name, ip) => {
    expect(find(ip, RAW)).toBeUndefined();
    expect(find(ethernet(ip[0]! >> 4 === 4 ? 0x0800 : 0x86dd, ip), ETHERNET)).toBeUndefined();
  });

  it('is never looked for outside the packet, whatever its bytes', () => {
    let seed = 20261121;
    const random = (): number => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return seed >>> 16;
    };
    let found = 0;
    for (let i = 0; i < 50_000; i++) {
      const { ip } = cases[random() % cases.length]!;
      const packet = bytes(ip).slice(0, random() % (ip.length + 1));
      for (let flips = random() % 6; flips > 0 && packet.length > 0; flips--) {
        packet[random() % packet.length] = random() & 0xff;
      }
      if (typeof find(packet, RAW) === 'object') found += 1;
    }
    expect(found).toBeGreaterThan(5_000);
  });
});
