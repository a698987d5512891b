import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kernel } from '../support/kernel-features.ts';
import { NetnsPair, type Netns } from '../support/netns.ts';
import { SkbProgram } from '../support/skb-program.ts';
import { capture, runXcap, type JsonRecord } from '../support/tracer.ts';
import { FilteredSocket } from '../support/filtered-socket.ts';
import { ping, sendDatagrams } from '../support/traffic.ts';
import { XdpProgram } from '../support/xdp-program.ts';

/** Expressions and tables are in modules: of the rules themselves nothing is known where those have no types. */
const knowsRules = kernel.fentry && kernel.bpfLoop;
/** Where a packet entered netfilter is known there all the same, by kprobes. */
const knowsPlaces = !knowsRules && kernel.fentry && kernel.kprobe;
const watches = knowsRules || knowsPlaces;

let pair: NetnsPair;
beforeAll(() => {
  pair = new NetnsPair();
});
afterAll(() => {
  pair.dispose();
});

/** What tells the programs of the tests what to return. */
const verdict = (first: number): Uint8Array =>
  Uint8Array.of(first, ...new Array<number>(17).fill(0));

function send(...ports: readonly number[]): void {
  for (const port of ports) sendDatagrams(pair.a, { to: pair.b.address4, port, payload: 'x' });
}

/** What is said of the datagrams, by the port that they went to. */
function ruleOf(records: readonly JsonRecord[]): ReadonlyMap<number, unknown> {
  return new Map(
    records.map(({ packet, rule }) => {
      const ip = packet.slice(24, 28) === '86dd' ? 54 : 34;
      return [parseInt(packet.slice(2 * ip + 4, 2 * ip + 8), 16), rule];
    }),
  );
}

type ExpectedRules = Readonly<Record<number, Readonly<Record<string, unknown>>>>;

/** @param places all that is said where the rules themselves are not known */
function expectRules(
  records: readonly JsonRecord[],
  expected: ExpectedRules,
  places: ExpectedRules,
): void {
  const found = ruleOf(records);
  for (const [port, rule] of Object.entries(expected)) {
    const { text, ...place } = rule;
    if (!knowsRules) {
      const known = knowsPlaces ? places[Number(port)] : undefined;
      if (knowsPlaces) expect(known, `${port}: nothing expected`).toBeDefined();
      expect(found.get(Number(port)), port).toEqual(known);
      continue;
    }
    expect(found.get(Number(port)), port).toMatchObject(place);
    if (text instanceof RegExp)
      expect((found.get(Number(port)) as { text: string }).text).toMatch(text);
  }
}

describe('a packet that a rule drops', () => {
  it('is told by table, chain, handle and text: nftables and iptables-nft', async () => {
    const { b } = pair;
    b.nft(`
      table inet t {
        chain incoming {
          type filter hook input priority 0; policy accept;
          udp dport 1 accept
          udp dport 1001 counter drop
          udp dport 1002 jump deeper
          udp dport vmap { 1004: drop, 1005: accept }
          udp dport 1006 reject
        }
        chain deeper { udp sport 1 return; ip saddr ${pair.a.address4} goto deepest; };
        chain deepest { udp dport 1 accept; udp dport 1002 drop; };
      }
      table ip early { chain first { type filter hook prerouting priority -300; udp dport 1003 drop; }; }
      table ip6 late { chain in6 { type filter hook input priority 10; policy drop; udp dport 1 accept; }; }
    `);
    for (const rule of [
      '-A INPUT -p udp --dport 2001 -j DROP',
      '-t mangle -N user',
      '-t mangle -A PREROUTING -p udp --dport 2002 -j user',
      '-t mangle -A user -p udp --sport 1 -j DROP',
      '-t mangle -A user -m comment --comment "# handle 1" -j DROP',
      '-t raw -A PREROUTING -p udp --dport 2003 -j DROP',
    ]) {
      b.exec('sh', '-c', `iptables-nft ${rule}`);
    }
    const { records, stderr, status } = await capture(['--rule', '--netns', b.name, 'udp'], () => {
      send(1001, 1002, 1003, 1004, 1006, 2001, 2002, 2003);
      sendDatagrams(pair.a, { to: b.address6, port: 3001, payload: 'x' });
    });
    b.exec('nft', 'flush', 'ruleset');
    expect(status, stderr).toBe(0);
    const inet = { by: 'nftables', family: 'inet', table: 't', hook: 'input' };
    const nft = { by: 'iptables-nft', family: 'ip' };
    const unknown = 'table, chain and rule not known: no types of nf_tables';
    const entered = (family: string, hook: string): Record<string, unknown> => ({
      ...{ by: 'nftables', family, hook, unknown },
    });
    const rules = {
      1001: { ...inet, chain: 'incoming', number: 2, text: /^udp dport 1001 counter drop$/ },
      1002: { ...inet, chain: 'deepest', number: 2, text: /^udp dport 1002 drop$/ },
      1003: {
        ...{ by: 'nftables', family: 'ip', table: 'early', chain: 'first', hook: 'prerouting' },
        ...{ number: 1, text: /^udp dport 1003 drop$/ },
      },
      1004: { ...inet, chain: 'incoming', number: 4, text: /^udp dport vmap \{ 1004 : drop/ },
      1006: { ...inet, chain: 'incoming', number: 5, text: /^udp dport 1006 reject/ },
      2001: { ...nft, table: 'filter', chain: 'INPUT', number: 1, text: /dport 2001 .*drop$/ },
      2002: { ...nft, table: 'mangle', chain: 'user', number: 2, text: /drop/ },
      2003: { ...nft, table: 'raw', chain: 'PREROUTING', number: 1, text: /dport 2003 .*drop$/ },
      3001: { by: 'nftables', family: 'ip6', table: 'late', chain: 'in6', policy: true },
    };
    // The only chains of their families there; at prerouting those of the family ip are several.
    const only = { unknown: 'or a chain that it leads to; rule not known' };
    const incoming = { ...inet, chain: 'incoming', ...only };
    const in6 = { by: 'nftables', family: 'ip6', table: 'late', chain: 'in6', hook: 'input' };
    expectRules(records, rules, {
      ...{ 1001: incoming, 1002: incoming, 1004: incoming, 1006: incoming },
      1003: entered('ip', 'prerouting'),
      2001: { ...nft, table: 'filter', chain: 'INPUT', hook: 'input', ...only },
      2002: entered('ip', 'prerouting'),
      2003: entered('ip', 'prerouting'),
      3001: { ...in6, ...only },
    });
    if (knowsPlaces) expect(stderr).toContain('the rule itself is not known');
    if (!watches) expect(stderr).toContain('does not let rules be watched');
  });

  it('is told by table, chain, number and text: iptables-legacy', async () => {
    const { b } = pair;
    for (const rule of [
      '-A INPUT -p udp --dport 1 -j ACCEPT',
      '-A INPUT -p udp --dport 1001 -j DROP',
      '-A INPUT -p udp --dport 1004 -j REJECT',
      '-A INPUT -p udp --dport 1006 -j DROP',
      '-t mangle -N user',
      '-t mangle -A INPUT -p udp --dport 1002 -j user',
      '-t mangle -A user -s 192.0.2.1 -j DROP',
      `-t mangle -A user -s ${pair.a.address4} -j DROP`,
      '-t raw -A PREROUTING -p udp --dport 1003 -j DROP',
      '-P FORWARD DROP',
    ]) {
      b.iptables(...rule.split(' '));
    }
    b.exec('ip6tables-legacy', '-A', 'INPUT', '-p', 'udp', '--dport', '1', '-j', 'ACCEPT');
    b.exec('ip6tables-legacy', '-P', 'INPUT', 'DROP');
    const { records, stderr, status } = await capture(['--rule', '--netns', b.name, 'udp'], () => {
      send(1006);
      sendDatagrams(pair.a, { to: b.address6, port: 3001, payload: 'x' });
      // The numbers of the next ones are other rules.
      b.iptables('-I', 'INPUT', '1', '-p', 'udp', '--dport', '2', '-j', 'ACCEPT');
      b.iptables('-A', 'INPUT', '-p', 'udp', '--dport', '1005', '-j', 'DROP');
      send(1001, 1002, 1003, 1004, 1005);
    });
    b.exec('ip6tables-legacy', '-P', 'INPUT', 'ACCEPT');
    for (const table of ['filter', 'mangle', 'raw']) b.iptables('-t', table, '-F');
    expect(status, stderr).toBe(0);
    const legacy = { by: 'iptables-legacy' };
    const unknown = 'or a chain that it leads to; rule not known';
    const input = { table: 'filter', chain: 'INPUT', hook: 'input', unknown };
    const rules = {
      1001: {
        ...{ ...legacy, table: 'filter', chain: 'INPUT', hook: 'input', number: 3 },
        text: /^-A INPUT -p udp -m udp --dport 1001 -j DROP$/,
      },
      1002: {
        ...{ ...legacy, table: 'mangle', chain: 'user', hook: 'input', number: 2 },
        text: /^-A user -s 10\.9\.0\.1\/32 -j DROP$/,
      },
      1003: {
        ...{ ...legacy, table: 'raw', chain: 'PREROUTING', hook: 'prerouting', number: 1 },
        text: /^-A PREROUTING -p udp -m udp --dport 1003 -j DROP$/,
      },
      1004: { ...legacy, table: 'filter', chain: 'INPUT', number: 4, text: /-j REJECT/ },
      1005: { ...legacy, table: 'filter', chain: 'INPUT', number: 6, text: /dport 1005 -j DROP$/ },
      // Its number was another's by the time that it could be looked up.
      1006: { ...legacy, table: 'filter', chain: 'INPUT', number: 4 },
      3001: { by: 'ip6tables-legacy', table: 'filter', chain: 'INPUT', policy: true },
    };
    expectRules(records, rules, {
      1001: { ...legacy, ...input },
      1002: { ...legacy, ...input, table: 'mangle' },
      1003: { ...legacy, table: 'raw', chain: 'PREROUTING', hook: 'prerouting', unknown },
      1004: { ...legacy, ...input },
      1005: { ...legacy, ...input },
      1006: { ...legacy, ...input },
      3001: { by: 'ip6tables-legacy', ...input },
    });
  });

  it.runIf(watches)('is told by its classifier, program or socket where those drop', async () => {
    const { a, b } = pair;
    const filter = (of: Netns, ...words: readonly string[]): void => {
      of.exec('tc', 'filter', 'add', 'dev', of.device, ...words, 'action', 'drop');
    };
    const program = await SkbProgram.tc(b, 'xcap_test_shot');
    const first = ['ingress', 'protocol', 'ip', 'pref', '7'];
    filter(b, ...first, 'u32', 'match', 'ip', 'dport', '5001', '0xffff', 'flowid', '1:1');
    const second = ['ingress', 'protocol', 'ip', 'pref', '9'];
    filter(b, ...second, 'flower', 'ip_proto', 'udp', 'dst_port', '5002');
    const onlyIp = ['egress', 'protocol', 'ip', 'pref', '11'];
    filter(b, ...onlyIp, 'flower', 'ip_proto', 'udp', 'dst_port', '5003');
    const filtered = await FilteredSocket.open(b, 5005);
    const { records, stderr } = await capture(['--rule', '--netns', b.name, 'udp'], () => {
      // The first byte is what the program returns: TC_ACT_PIPE goes on to the next classifier.
      const pipe = verdict(3);
      const shot = verdict(2);
      for (const port of [5001, 5002, filtered.port]) {
        sendDatagrams(a, { to: b.address4, port, payload: pipe });
      }
      sendDatagrams(a, { to: b.address4, port: 5004, payload: shot });
      sendDatagrams(b, { to: a.address4, port: 5003, payload: pipe });
    });
    filtered.close();
    await program.stop();
    const rules = {
      5001: { by: 'tc', chain: '0', classifier: 'u32', pref: 7 },
      5002: { by: 'tc', chain: '0', classifier: 'flower', pref: 9 },
      5003: { by: 'tc', chain: '0', classifier: 'flower', pref: 11 },
      5004: { by: 'tc', chain: '0', classifier: 'bpf', pref: 49152 },
      5005: { by: 'socket-filter', socket: filtered.inode },
    };
    const byProgram = { 5004: { ...rules[5004], program: program.id } };
    expectRules(records, { ...rules, ...byProgram }, rules);
    expect(stderr).not.toContain('--rule:');
  });

  it.runIf(knowsPlaces)('is told by the generic XDP program that it was given to', async () => {
    const { a, b } = pair;
    const { program, id } = await XdpProgram.start(b, 'generic');
    const { records, stderr, status } = await capture(['--rule', '--netns', b.name, 'udp'], () => {
      for (const [port, first] of [6001, 6002, 6003].map((port, i) => [port, i] as const)) {
        sendDatagrams(a, { to: b.address4, port, payload: verdict(first) });
      }
    });
    await program.stop();
    expect(status, stderr).toBe(0);
    const rule = { by: 'xdp', program: id, unknown: 'or there was no memory to run it' };
    // XDP_ABORTED, XDP_DROP; what it passes goes nowhere, for there is no socket.
    expect(ruleOf(records)).toEqual(
      new Map([6001, 6002, 6003].map((port) => [port, port === 6003 ? undefined : rule])),
    );
  });

  it.runIf(knowsRules && kernel.xdpDispatcher)('is told by the XDP program', async () => {
    const { a, b } = pair;
    const { program, id } = await XdpProgram.start(b, 'generic');
    const hooks = `drop,xdp:${b.device}@${b.name}@exit`;
    const { records, stderr, status } = await capture(['--rule', '--hook', hooks, 'udp'], () => {
      // The first byte is the verdict: XDP_DROP, XDP_PASS.
      sendDatagrams(a, { to: b.address4, port: 6001, payload: verdict(1) });
      sendDatagrams(a, { to: b.address4, port: 6002, payload: verdict(2) });
    });
    await program.stop();
    expect(status, stderr).toBe(0);
    const [dropped, passed] = [6001, 6002].map((port) =>
      records.filter((record) => ruleOf([record]).has(port)),
    );
    expect(dropped).toHaveLength(2);
    for (const { rule } of dropped ?? []) expect(rule).toMatchObject({ by: 'xdp', program: id });
    // Dropped as well, for there is no socket.
    expect(passed).toHaveLength(2);
    for (const record of passed ?? []) expect(record).not.toHaveProperty('rule');
  });

  it('is not blamed on a rule that let it pass', async () => {
    const { b } = pair;
    b.nft('table inet t { chain in { type filter hook input priority 0; policy accept; }; }');
    b.iptables('-A', 'INPUT', '-p', 'udp', '--dport', '4002', '-j', 'DROP');
    const { records } = await capture(['--rule', '--netns', b.name, 'udp'], () => {
      send(4001, 4002);
    });
    b.exec('nft', 'flush', 'ruleset');
    b.iptables('-F');
    expect(records).toHaveLength(2);
    expect(ruleOf(records).get(4001)).toBeUndefined();
    if (watches) expect(ruleOf(records).get(4002)).toMatchObject({ by: 'iptables-legacy' });
    expect(ping(pair.a, b.address4, 1)).toBe(1);
  });
});

describe('asking for rules', () => {
  it('needs a hook where packets are dropped', async () => {
    const { status, stderr } = await runXcap(['--rule', '--hook', 'rx', '--duration', '1s']);
    expect(status).toBe(1);
    expect(stderr).toContain('--rule: no hook sees packets dropped');
  });
});
