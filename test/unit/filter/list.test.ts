import { execFileSync, spawnSync } from 'node:child_process';
import koffi from 'koffi';
import { describe, expect, test } from 'vitest';
import { openLibpcap } from '../../../src/ffi/libpcap.ts';
import type { RawInsn } from '../../../src/filter/cbpf.ts';
import type { ListingStyle } from '../../../src/filter/list.ts';
import { list } from '../../../src/filter/list.ts';
import { randomFrom, randomProgram } from './support/random-program.ts';

const pcap = openLibpcap();
const EXPRESSIONS = [
  'icmp',
  'tcp port 443',
  'tcp[tcp[12]>>2&0x3c:4]=0x47455420',
  'len > 100 and -ip[8] % 7 != 3',
  'ip[0] | 1 = ip[1] ^ 2',
  'inbound',
  'ifindex 3',
  'ip6 protochain 6',
  'geneve and ip',
];
const TYPES = [
  ['EN10MB', 1],
  ['RAW', 12],
] as const;
const STYLES: readonly ListingStyle[] = ['d', 'dd', 'ddd'];
const hasTcpdump = spawnSync('tcpdump', ['--version']).status === 0;

describe.skipIf(!hasTcpdump)('list() prints what tcpdump prints (needs tcpdump)', () => {
  test.each(TYPES)('for link type %s', (name, linkType) => {
    for (const style of STYLES) {
      for (const expression of EXPRESSIONS) {
        const args = ['-y', name, `-${style}`, expression];
        const printed = execFileSync('tcpdump', args, { encoding: 'utf8', stdio: 'pipe' });
        const result = pcap.compile(expression, { linkType, snaplen: 262144, optimize: true });
        if ('error' in result) throw new Error(result.error);
        expect(list(result.program, style).join('\n') + '\n').toBe(printed);
      }
    }
  });
});

test("list() prints every instruction as libpcap's bpf_image() does", () => {
  const image = koffi.load('libpcap.so.0.8').func('const char *bpf_image(void *insn, int n)') as (
    insn: Uint8Array,
    n: number,
  ) => string;
  const imageOf = ({ code, jt, jf, k }: RawInsn, index: number): string => {
    const bytes = new DataView(new ArrayBuffer(8));
    bytes.setUint16(0, code, true);
    bytes.setUint8(2, jt);
    bytes.setUint8(3, jf);
    bytes.setUint32(4, k, true);
    return image(new Uint8Array(bytes.buffer), index);
  };
  const random = randomFrom(7);
  for (let i = 0; i < 40; i += 1) {
    const program = randomProgram(random);
    expect(list(program, 'd')).toEqual(program.map(imageOf));
  }
  const extensions = Array.from({ length: 18 }, (_, n) => 0xffff_f000 + 4 * n);
  const loads = extensions.map((k) => ({ code: 0x20, jt: 0, jf: 0, k }));
  expect(list(loads, 'd')).toEqual(loads.map(imageOf));
});
