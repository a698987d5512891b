import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Btf } from '../../../src/btf/btf.ts';
import { memberPath } from '../../../src/btf/members.ts';
import type { BtfMember } from '../../../src/btf/types.ts';
import { KERNEL_STRUCTS } from '../../../src/codegen/kernel-structs.ts';
import { emitStructs, type StructWants } from '../../../src/codegen/structs.ts';
import { readKernelBtf } from '../../../src/kernel/view.ts';
import { BtfBuilder } from '../../support/btf-builder.ts';
import { hostBtf, recordedKernel, RECORDED_KERNELS } from '../../support/kernels.ts';

const TYPES = `typedef unsigned char u8; typedef unsigned short u16; typedef unsigned int u32;
typedef unsigned long long u64; typedef signed char s8; typedef short s16; typedef int s32;
typedef long long s64;
`;

/** All that is awkward: unions, bit-fields, nesting, arrays, members that only some kernels have. */
const WANTS: StructWants = {
  ...KERNEL_STRUCTS,
  sk_buff: [
    ...(KERNEL_STRUCTS['sk_buff'] ?? []),
    ...[
      'next',
      'list',
      'dev',
      'dev_scratch',
      'rbnode',
      'sk',
      'cb',
      'len',
      'data_len',
      'mac_len',
      'hdr_len',
    ],
    ...[
      'queue_mapping',
      'cloned',
      'nohdr',
      'pkt_type',
      'ip_summed',
      'hash',
      'napi_id',
      'sender_cpu',
    ],
    ...[
      'mark',
      'protocol',
      'transport_header',
      'network_header',
      'mac_header',
      'tail',
      'end',
      'head',
    ],
    ...[
      'data',
      'users',
      'vlan_tci',
      'vlan_all',
      'vlan_present',
      'skb_iif',
      'alloc_cpu',
      'no_such_member',
    ],
  ],
  skb_shared_info: ['nr_frags', 'gso_size', 'frags', 'frag_list'],
  net: ['ns', 'ns.inum', 'net_cookie'],
  sock: [
    '__sk_common.skc_net.net',
    '__sk_common.skc_family',
    '__sk_common.skc_state',
    'sk_uid.val',
  ],
  sock_common: ['skc_daddr', 'skc_rcv_saddr', 'skc_addrpair'],
  task_struct: ['stack', 'comm', 'pid', 'tgid', 'cred', 'thread_info.flags'],
  pcpu_hot: ['preempt_count', 'current_task'],
  nf_hook_state: ['hook', 'pf', 'net', 'in', 'out'],
  no_such_struct: ['a', 'b.c'],
};

// clang on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'xcap-structs-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const hasClang = spawnSync('clang', ['--version']).status === 0;

/** Compiles for BPF with all warnings as errors; gives what clang says. */
function check(text: string): string {
  const file = join(folder, 'structs.c');
  writeFileSync(file, TYPES + text);
  const args = ['-target', 'bpf', '-fsyntax-only', '-Wall', '-Wextra', '-Werror', file];
  return spawnSync('clang', args, { encoding: 'utf8' }).stderr;
}

/** Runs a C program made of the definitions and `body`, and gives what it prints. */
function run(text: string, body: string): string {
  const file = join(folder, 'run.c');
  const program = join(folder, 'run');
  writeFileSync(file, `#include <stdio.h>\n#include <string.h>\n${TYPES}${text}\n${body}`);
  execFileSync('clang', ['-o', program, file]);
  return execFileSync(program, { encoding: 'utf8' });
}

const kernels: [string, () => Btf][] = [
  ...RECORDED_KERNELS.map((name): [string, () => Btf] => [
    name,
    () => readKernelBtf(recordedKernel(name)),
  ]),
];
const host = hostBtf();
if (host !== undefined) kernels.push(['this machine', () => Btf.parse(host)]);

describe.runIf(hasClang).each(kernels)('emitStructs() for %s', (_, open) => {
  const btf = open();

  test('gives C that clang takes without a warning and whose static asserts hold', () => {
    const text = emitStructs(btf, WANTS);
    expect(text).toContain('_Static_assert(__builtin_offsetof(struct sk_buff, head) == ');
    expect(check(text)).toBe('');
  });

  test('has every member that the templates name', () => {
    const text = emitStructs(btf, KERNEL_STRUCTS);
    const missing = [...text.matchAll(/XCAP_HAS_(\w+) 0$/gm)].map(([, name]) => name);
    // The bit that said whether there is a tag went with 6.2; XDP packets have frags from 5.18.
    const frags = ['xdp_buff__flags', 'skb_shared_info__xdp_frags_size'];
    expect([
      ['sk_buff__vlan_all', ...frags],
      ['sk_buff__vlan_all'],
      ['sk_buff__vlan_present'],
    ]).toContainEqual(missing);
  });

  test('the static asserts are those of BTF', () => {
    const text = emitStructs(btf, WANTS);
    for (const [struct, path] of [
      ['sk_buff', 'dev_scratch'],
      ['net', 'ns.inum'],
      ['sock', '__sk_common.skc_net.net'],
    ] as const) {
      const place = memberPath(btf, struct, path);
      expect(text).toContain(
        `_Static_assert(__builtin_offsetof(struct ${struct}, ${path}) == ${place!.offsetBytes},`,
      );
    }
  });

  test('pkt_type is read back through its accessor, whatever stands around it', () => {
    const place = memberPath(btf, 'sk_buff', 'pkt_type')!;
    const text = emitStructs(btf, { sk_buff: ['pkt_type'] });
    const printed = run(
      text,
      `#define READ(p, member) ((p)->member)
      int main(void) {
        static struct sk_buff skb;
        for (int around = 0; around < 2; around++) for (int i = 0; i < 8; i++) {
          memset(&skb, around ? 0xff : 0, sizeof skb);
          u8 *byte = (u8 *)&skb + ${place.offsetBytes};
          *byte = (u8)((*byte & ~(7 << ${place.offsetBits})) | i << ${place.offsetBits});
          printf("%u ", (unsigned)XCAP_BITS_sk_buff__pkt_type(READ, &skb));
        }
        return 0;
      }`,
    );
    expect(printed).toBe('0 1 2 3 4 5 6 7 0 1 2 3 4 5 6 7 ');
  });
});

const member = (name: string, typeId: number, bitOffset: number, bitfieldSize = 0): BtfMember => ({
  name,
  typeId,
  bitOffset,
  bitfieldSize,
});

/** One struct `s` of the given size. */
function structOf(
  sizeBytes: number,
  make: (builder: BtfBuilder) => BtfMember[],
  littleEndian = true,
): Btf {
  const builder = new BtfBuilder({ littleEndian });
  builder.int('unsigned long', 8);
  const members = make(builder);
  builder.add({ kind: 'struct', name: 's', sizeBytes, members });
  return Btf.parse(builder.build());
}

describe('emitStructs()', () => {
  test('says what a kernel has and lacks', () => {
    const text = emitStructs(
      structOf(4, (b) => [member('a', b.int('int', 4), 0)]),
      {
        s: ['a', 'b', 'a.c'],
        gone: ['x.y'],
      },
    );
    expect([...text.matchAll(/#define (XCAP_HAS_\S+ \d)/g)].map((match) => match[1])).toEqual([
      'XCAP_HAS_s 1',
      'XCAP_HAS_s__a 0',
      'XCAP_HAS_s__b 0',
      'XCAP_HAS_s__a__c 0',
      'XCAP_HAS_gone 0',
      'XCAP_HAS_gone__x__y 0',
    ]);
  });

  test('types pointers to wanted structs and no others', () => {
    const text = emitStructs(
      structOf(24, (b) => {
        const to = (name: string): number =>
          b.add({
            kind: 'ptr',
            name: '',
            typeId: b.add({
              kind: 'const',
              name: '',
              typeId: b.add({ kind: 'fwd', name, union: false }),
            }),
          });
        return [
          member('self', to('s'), 0),
          member('other', to('other'), 64),
          member('none', b.add({ kind: 'ptr', name: '', typeId: 0 }), 128),
        ];
      }),
      { s: ['self', 'other', 'none'] },
    );
    expect(text).toMatch(/struct s \*self;\s+void \*other;\s+void \*none;/);
  });

  test.each([
    ['a member that C would align elsewhere', 16, 4, /not aligned to 8/],
    ['a size that C would round up', 12, 0, /12 bytes: no multiple of its alignment 8/],
  ])('refuses %s', (_, size, byte, message) => {
    const btf = structOf(size, (b) => [member('a', b.int('u64', 8), byte * 8)]);
    expect(() => emitStructs(btf, { s: ['a'] })).toThrow(message);
  });

  test('refuses a 32-bit kernel', () => {
    const builder = new BtfBuilder();
    builder.int('unsigned long', 4);
    expect(() => emitStructs(Btf.parse(builder.build()), {})).toThrow(/pointers of 4 bytes/);
  });

  test.each([
    ['in one byte', 3, 4, false, true, 1, '(((X) >> 3) & 0xfU)'],
    ['across a byte', 6, 4, false, true, 2, '(((X) >> 6) & 0xfU)'],
    ['of a whole word', 0, 32, false, true, 4, '(((X) >> 0) & 0xffffffffU)'],
    ['past a word', 20, 20, false, true, 8, '(((X) >> 20) & 0xfffffULL)'],
    ['signed', 3, 4, true, true, 1, '((s64)((u64)(X) << 57) >> 60)'],
    ['big-endian in one byte', 3, 4, false, false, 1, '(((X) >> 1) & 0xfU)'],
    ['big-endian across a byte', 6, 4, false, false, 2, '(((X) >> 6) & 0xfU)'],
  ])(
    'loads a bit-field %s by its smallest aligned integer',
    (_, bit, width, signed, little, size, macro) => {
      const btf = structOf(8, (b) => [member('f', b.int('word', 4, signed), bit, width)], little);
      const text = emitStructs(btf, { s: ['f'] });
      expect(text).toContain(`u${size * 8} xcap_bits_f;`);
      const value = macro.replace('X', 'read(p, xcap_bits_f)');
      expect(text).toContain(`#define XCAP_BITS_s__f(read, p) ${value}\n`);
    },
  );

  test.runIf(hasClang)('a signed bit-field keeps its sign', () => {
    const text = emitStructs(
      structOf(8, (b) => [member('f', b.int('int', 4, true), 3, 4)]),
      { s: ['f'] },
    );
    const body = `#define READ(p, m) ((p)->m)
      int main(void) { static struct s v; ((u8 *)&v)[0] = 0x8f | 13 << 3;
        printf("%d", (int)XCAP_BITS_s__f(READ, &v)); return 0; }`;
    expect(run(text, body)).toBe('-3');
  });

  test.runIf(hasClang)(
    'overlapping members share a union that starts where the compiler wants it',
    () => {
      const btf = structOf(40, (b) => {
        const char = b.int('char', 1);
        const u64 = b.int('u64', 8);
        const u16 = b.int('u16', 2);
        const bytes = b.add({
          kind: 'array',
          name: '',
          elementTypeId: char,
          indexTypeId: char,
          length: 16,
        });
        const union = b.add({
          kind: 'union',
          name: '',
          sizeBytes: 20,
          members: [member('bytes', bytes, 0), member('word', u64, 32), member('half', u16, 16)],
        });
        return [member('before', u16, 0), member('', union, 32), member('after', u64, 192)];
      });
      expect(check(emitStructs(btf, { s: ['before', 'bytes', 'word', 'half', 'after'] }))).toBe('');
    },
  );
});
