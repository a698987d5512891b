import { spawnSync } from 'node:child_process';
import { describe, expect, test, vi } from 'vitest';
import { Btf } from '../../../src/btf/btf.ts';
import { compileWhere } from '../../../src/where/compile-where.ts';
import { hostBtf, RECORDED_KERNELS } from '../../support/kernels.ts';
import { randomFrom } from '../filter/support/random-program.ts';
import { hasGcc, runNatively, wholeText } from './support/native.ts';
import { btfOf, NAMES } from './support/scope.ts';

// A compiler on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const WANTS = {
  sk_buff: ['len', 'mark', 'queue_mapping', 'protocol', 'dev', 'sk', 'skb_iif', 'priority'],
  net_device: ['name', 'mtu', 'flags', 'perm_addr', 'ifindex', 'nd_net.net'],
  sock: [
    ...['__sk_common.skc_state', '__sk_common.skc_dport', '__sk_common.skc_bound_dev_if'],
    ...['__sk_common.skc_prot', 'sk_mark'],
  ],
  net: ['ns.inum'],
};

/** A process that sends by its socket through eth0 of the namespace 42. */
const PROCESS = `
  static struct sk_buff skb; static struct net_device dev; static struct net ns; static struct sock sk;
  ns.ns.inum = 42; dev.nd_net.net = &ns; dev.mtu = 1500; dev.flags = 0x1003; dev.ifindex = 7;
  strcpy(dev.name, "eth0"); memset(dev.name + 5, 'x', 11);
  sk.__sk_common.skc_state = 1; sk.__sk_common.skc_dport = 0xbb01; sk.sk_mark = 0x1f;
  sk.__sk_common.skc_bound_dev_if = -1;
  skb.dev = &dev; skb.sk = &sk; skb.mark = 0x80001203; skb.queue_mapping = 5; skb.protocol = 0x0008;
  skb.skb_iif = 7; skb.len = 1486; dev.perm_addr[1] = 0xfe; skb.priority = 0xffffffff;
  hit.skb = &skb; hit.location = 0xffffffff81000010ull; hit.reason = 4;
  net.dev = &dev; net.netns = 42; view.pkt.wire_len = 1500; view.link = XCAP_LINK_ETHERNET; the_tagged = 1;
  the_context = XCAP_CONTEXT_PROCESS; the_task = (u64)15 << 32 | 16; the_user = 1000; strcpy(the_comm, "curl");
  memset(the_comm + 5, 'y', 11);`;
/** A packet of nobody's, in a softirq, at a hook that has no reason. */
const NOTHING = `
  static struct sk_buff skb; hit.skb = &skb; hit.hook = 1; the_context = XCAP_CONTEXT_SOFTIRQ;
  the_task = (u64)15 << 32 | 16; strcpy(the_comm, "curl"); view.pkt.wire_len = 60;`;
/** A cut socket (time-wait), found by the hook alone; and a device pointer that holds something else. */
const CUT = `${NOTHING}
  static struct sock sk; sk.__sk_common.skc_state = 6; sk.__sk_common.skc_dport = 0xbb01; sk.sk_mark = 0x1f;
  hit.rx_sk = &sk; skb.dev = (void *)1234;`;

/** Expression, and whether it holds for PROCESS, NOTHING and CUT. */
const ROWS: readonly (readonly [string, string])[] = [
  ['reason == NETFILTER_DROP', '100'],
  ['reason != NETFILTER_DROP', '000'], // not there: false both ways
  ['reason != NO_SOCKET', '100'],
  ['!(reason == NETFILTER_DROP)', '011'],
  ['location == nf_hook_slow', '100'],
  ['location != twice', '100'],
  ['location', '100'],
  ['pid == 15', '100'], // outside process context the task is not to blame
  ['pid != 15', '000'],
  ['!pid == 15', '011'],
  ['pid not in 1..10', '100'],
  ['tid == 16 && uid == 1000', '100'],
  ['comm == "curl"', '100'],
  ['comm == "cur"', '000'],
  ['comm == "curly"', '000'],
  ['comm != "wget"', '100'],
  ['comm ~ "cu"', '100'],
  ['comm ~ "curly"', '000'],
  ['comm in {"wget", "curl"}', '100'],
  ['comm not in {"wget", "curl"}', '000'],
  ['!comm ~ "c"', '011'],
  ['netns == 42', '100'],
  ['netns != self', '100'],
  ['!(netns == self)', '111'],
  ['ifname == "eth0" && iface ~ "eth" && ifindex == 7', '100'],
  ['ifname != "eth1"', '100'],
  ['mark == 0x80001203', '100'],
  ['mark & 0xff == 3', '100'],
  ['mark & 0x80000000 != 0', '100'],
  ['mark > 0x80000000', '100'],
  ['mark == 0', '011'],
  ['queue == 5', '100'],
  ['protocol == ip', '100'],
  ['len == 1504', '100'], // with the tag that stands beside the packet
  ['len == 60', '011'],
  ['len > skb.dev.mtu', '100'],
  ['context == softirq', '011'],
  ['context == process', '100'],
  ['hook == rx', '011'],
  ['hook == drop', '100'],
  ['packet_type == host', '111'],
  ['link == ethernet', '100'],
  ['link == raw', '011'],
  ['skb', '111'],
  ['sk', '101'],
  ['!sk', '010'],
  ['dev', '100'],
  ['skb.dev', '101'],
  ['skb.dev == 1234', '001'],
  ['skb.dev.mtu == 1500', '100'],
  ['skb.dev.mtu != 1500', '000'],
  ['skb.dev.mtu < 9000', '100'],
  ['skb.dev.flags & 1 != 0', '100'],
  ['skb.dev.flags & 1', '100'],
  ['skb.dev.flags & 0xc == 0', '100'],
  ['skb.dev.name == "eth0"', '100'],
  ['skb.dev.name ~ "eth01"', '000'],
  ['dev.mtu == 1500', '100'],
  ['skb.dev.nd_net.net.ns.inum == netns', '100'],
  ['skb.dev.perm_addr[1] == 0xfe', '100'],
  ['skb.dev.perm_addr[1] & 0xf0 == 0xf0', '100'],
  ['sk.sk_bound_dev_if < 0', '100'],
  ['skb.priority == 0xffffffff', '100'],
  ['sk.sk_bound_dev_if == -1', '100'],
  ['sk.sk_bound_dev_if < skb.skb_iif', '100'],
  ['sk.sk_bound_dev_if & skb.priority == 0xffffffff', '100'],
  ['ntohs(sk.sk_dport) == 443', '101'],
  ['ntohs(sk.sk_dport) & 0xf00 == 0x100', '101'],
  ['sk.sk_dport == 443', '000'],
  ['sk.sk_state == 6', '001'],
  ['sk.sk_mark == 0x1f', '100'], // a cut socket has no mark
  ['skb.sk.sk_mark == 0x1f', '100'],
  ['!(sk.sk_mark == 0)', '111'],
  ['pid == 15 || mark == 0 && len == 60', '111'],
  ['(pid == 15 || mark == 0) && len == 60', '011'],
];

describe('emitWhereHeader()', () => {
  test.runIf(hasGcc)('gives C that decides as the language says', () => {
    const worlds = [PROCESS, NOTHING, CUT];
    const expressions = ROWS.map(([expression]) => expression);
    const results = runNatively({ btf: btfOf('6.18'), expressions, wants: WANTS, worlds });
    const found = ROWS.map(([expression], i) => [
      expression,
      results.map((world) => (world[i] ? '1' : '0')).join(''),
    ]);
    expect(found).toEqual(ROWS.map((row) => [...row]));
  });

  const SEED = Number(process.env['XCAP_FUZZ_SEED'] ?? 20261121);
  test.runIf(hasGcc)(`gives C that agrees with a reading of its own (seed ${SEED})`, () => {
    const random = randomFrom(SEED);
    const cases = Array.from({ length: 300 }, () => makeCondition(random, 4));
    const worlds = Array.from({ length: 8 }, () => makeWorld(random));
    const results = runNatively({
      btf: btfOf('6.18'),
      expressions: cases.map(({ text }) => text),
      wants: WANTS,
      worlds: worlds.map(worldText),
    });
    let matched = 0;
    worlds.forEach((world, w) => {
      cases.forEach(({ text, holds }, i) => {
        const expected = holds(world);
        if (expected) matched++;
        expect(results[w]?.[i], `${text} in ${JSON.stringify(world)}`).toBe(expected);
      });
    });
    expect(matched).toBeGreaterThan(100);
    expect(matched).toBeLessThan(cases.length * worlds.length - 100);
  });

  test('nothing of the user’s text is in it', () => {
    const text = 'comm == "*/ evil(); /*" && netns == "blue" && reason == NETFILTER_DROP';
    const { header } = compileWhere([text], btfOf('6.18'), NAMES);
    expect(header).not.toMatch(/evil|blue|NETFILTER/);
  });

  test('what another boot or host has other numbers for is a number of the run', () => {
    const compile = (shift: bigint): ReturnType<typeof compileWhere> =>
      compileWhere(['location in {twice} && netns == blue || mark == 7'], btfOf('6.18'), {
        ...NAMES,
        location: (text) =>
          NAMES.location(text).map(({ from, to }) => ({ from: from + shift, to: to + shift })),
        netns: (text) => NAMES.netns(text) + Number(shift),
      });
    const [here, there] = [compile(0n), compile(0x20_0000n)];
    expect(there.header).toBe(here.header);
    expect(here.values).toHaveLength(5);
    expect(there.values).toEqual(here.values.map((value) => value + 0x20_0000n));
  });

  test('without --where nothing is done', () => {
    const { header, structs } = compileWhere([], btfOf('6.18'), NAMES);
    expect(header).toMatch(/\{\n\treturn 0;\n\}\n$/);
    expect(header).not.toContain('#include');
    expect(structs).toEqual({});
  });

  test('several --where must all hold', () => {
    const btf = btfOf('6.18');
    const both = compileWhere(['mark == 1 || mark == 2', 'pid == 3'], btf, NAMES);
    const joined = compileWhere(['(mark == 1 || mark == 2) && pid == 3'], btf, NAMES);
    expect(both).toEqual(joined);
  });
});

const kernels: [string, () => Btf][] = RECORDED_KERNELS.map((name) => [name, () => btfOf(name)]);
const host = hostBtf();
if (host !== undefined) kernels.push(['this machine', () => Btf.parse(host)]);
const hasClang = spawnSync('clang', ['--version']).status === 0;

test.runIf(hasClang).each(kernels)('clang takes the C for %s', (_, open) => {
  const expressions = ROWS.map(([expression]) => expression);
  const text = wholeText(open(), expressions);
  const args = ['-target', 'bpf', '-fsyntax-only', '-Wall', '-Wno-unused-function', '-x', 'c', '-'];
  const clang = spawnSync('clang', [...args, '-Werror'], { input: text, encoding: 'utf8' });
  expect(clang.stderr).toBe('');
});

/** Numbers of one event, a part of them not there. */
interface World {
  readonly mark: number;
  readonly queue: number;
  readonly pid: number;
  readonly process: boolean;
  readonly mtu: number | undefined;
  readonly iif: number;
}

type Random = (below: number) => number;
const SMALL = [0, 1, 2, 3, 15, 16, 255];

function makeWorld(random: Random): World {
  const small = (): number => SMALL[random(SMALL.length)]!;
  const mark = random(2) === 0 ? small() : 0xffffff00 + small();
  const mtu = random(3) === 0 ? undefined : small();
  const iif = random(2) === 0 ? small() : -small();
  return { mark, queue: small(), pid: small(), process: random(3) > 0, mtu, iif };
}

function worldText(world: World): string {
  const { mark, queue, pid, process, mtu, iif } = world;
  const dev = mtu === undefined ? '' : `dev.mtu = ${mtu}; skb.dev = &dev;`;
  return `static struct sk_buff skb; static struct net_device dev; (void)dev; hit.skb = &skb; ${dev}
    skb.mark = ${mark}u; skb.queue_mapping = ${queue}; skb.skb_iif = ${iif};
    the_task = (u64)${pid} << 32; the_context = ${process ? 1 : 2};`;
}

interface Made {
  readonly text: string;
  readonly holds: (world: World) => boolean;
}

const FIELDS: readonly (readonly [string, max: number, (world: World) => number | undefined])[] = [
  ['mark', 0xffffffff, (world) => world.mark],
  ['skb.mark', 0xffffffff, (world) => world.mark],
  ['queue', 0xffff, (world) => world.queue],
  ['pid', 0xffffffff, (world) => (world.process ? world.pid : undefined)],
  ['skb.dev.mtu', 0xffffffff, (world) => world.mtu],
  ['skb.skb_iif', 0x7fffffff, (world) => world.iif],
];
const OPERATORS: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
};

/** A random condition as text, with the fewest brackets, and what it means. */
function makeCondition(random: Random, depth: number): Made {
  const kind = depth === 0 ? 0 : random(5);
  if (kind >= 3) {
    const parts = Array.from({ length: 2 + random(2) }, () => makeCondition(random, depth - 1));
    const and = kind === 3;
    const text = parts.map((part) => `(${part.text})`).join(and ? ' && ' : ' || ');
    const holds = (world: World): boolean =>
      and ? parts.every((part) => part.holds(world)) : parts.some((part) => part.holds(world));
    return { text, holds };
  }
  if (kind === 2) {
    const { text, holds } = makeCondition(random, depth - 1);
    return { text: `!(${text})`, holds: (world) => !holds(world) };
  }
  if (kind === 1) {
    // Without brackets: && before ||.
    const [a, b, c] = [makeTerm(random), makeTerm(random), makeTerm(random)];
    return {
      text: `${a.text} || ${b.text} && ${c.text}`,
      holds: (world) => a.holds(world) || (b.holds(world) && c.holds(world)),
    };
  }
  return makeTerm(random);
}

function makeTerm(random: Random): Made {
  const [name, max, read] = FIELDS[random(FIELDS.length)]!;
  const small = (): number => SMALL[random(SMALL.length)]!;
  const term = (text: string, test: (value: number) => boolean): Made => ({
    text,
    holds: (world) => {
      const value = read(world);
      return value !== undefined && test(value);
    },
  });
  switch (random(5)) {
    case 0: {
      const [from, to] = [small(), small()].sort((a, b) => a - b) as [number, number];
      return term(`${name} in ${from}..${to}`, (value) => value >= from && value <= to);
    }
    case 1: {
      const set = [small(), small()];
      return term(`${name} not in {${set.join(', ')}}`, (value) => !set.includes(value));
    }
    case 2: {
      const mask = 1 + random(Math.min(max, 0xffff));
      const wanted = (small() & mask) >>> 0;
      return term(`${name} & ${mask} == ${wanted}`, (value) => (value & mask) >>> 0 === wanted);
    }
    case 3: {
      const [other, , readOther] = FIELDS[random(FIELDS.length)]!;
      const [op, apply] = Object.entries(OPERATORS)[random(6)]!;
      return {
        text: `${name} ${op} ${other}`,
        holds: (world) => {
          const [a, b] = [read(world), readOther(world)];
          return a !== undefined && b !== undefined && apply(a, b);
        },
      };
    }
    default: {
      const [op, apply] = Object.entries(OPERATORS)[random(6)]!;
      const right = small();
      return term(`${name} ${op} ${right}`, (value) => apply(value, right));
    }
  }
}
