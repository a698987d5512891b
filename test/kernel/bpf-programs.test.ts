import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { provedBy } from '../support/hook-table.ts';
import { kernel } from '../support/kernel-features.ts';
import { NetnsPair } from '../support/netns.ts';
import { ethernet, ipv4, udp } from '../support/packets.ts';
import { SkbProgram } from '../support/skb-program.ts';
import { capture, runXcap, type JsonRecord } from '../support/tracer.ts';
import { sendFrames } from '../support/traffic.ts';

/** TC_ACT_*: include/uapi/linux/pkt_cls.h. */
const OK = 0;
const SHOT = 2;
const NAME = 'choose_by_the_first_byte';

let pair: NetnsPair;
beforeAll(() => {
  pair = new NetnsPair();
});
afterAll(() => {
  pair.dispose();
});

const running: SkbProgram[] = [];
async function load(starting: Promise<SkbProgram>): Promise<SkbProgram> {
  const program = await starting;
  running.push(program);
  return program;
}
afterEach(async () => {
  for (const program of running.splice(0)) await program.stop();
});

/** A datagram that the program returns `verdict` for; with `change` it writes a byte of it. */
function frame(verdict: number, { change = 0, dport = 9 } = {}): Uint8Array {
  const payload = Uint8Array.of(verdict, change, 0x11, ...Buffer.from('what is left of it'));
  const ends = { src: pair.a.address4, dst: pair.b.address4 };
  return ethernet(
    0x0800,
    ipv4({ ...ends, protocol: 17 }, udp({ sport: 7, dport, checksum: 0 }, payload, ends)),
    { src: pair.a.mac, dst: pair.b.mac },
  );
}
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** 3 that it drops and changes, 2 that it lets through, 4 that the expression does not match. */
function traffic(): void {
  sendFrames(pair.a, [frame(SHOT, { change: 1 })], { count: 3 });
  sendFrames(pair.a, [frame(OK)], { count: 2 });
  sendFrames(pair.a, [frame(OK, { dport: 10 })], { count: 4 });
}

describe.skipIf(!kernel.fentry)('a tc program', () => {
  it('is seen at both ends: what it got, what it made of it, and its verdict', async () => {
    const { id } = await load(SkbProgram.tc(pair.b, NAME));
    const { records, summaries, stderr } = await capture(
      ['--hook', `bpf:${NAME}`, 'udp port 9'],
      traffic,
    );
    expect(stderr).toContain(`packets to tc program (program ${id} (${NAME}), fentry)`);
    const at = (end: string): readonly JsonRecord[] =>
      records.filter(({ hook }) => hook === `bpf:${NAME}@${end}`);
    const changed = frame(SHOT, { change: 1 }).with(44, 0x5a);
    expect(at('entry').map(({ packet }) => packet)).toEqual([
      ...Array<string>(3).fill(hex(frame(SHOT, { change: 1 }))),
      ...Array<string>(2).fill(hex(frame(OK))),
    ]);
    expect(at('exit').map(({ packet, verdict }) => [verdict, packet])).toEqual([
      ...Array<unknown>(3).fill(['SHOT', hex(changed)]),
      ...Array<unknown>(2).fill(['OK', hex(frame(OK))]),
    ]);
    expect(at('entry').map(({ packet_id: packetId }) => packetId)).toEqual(
      at('exit').map(({ packet_id: packetId }) => packetId),
    );
    expect(new Set(records.map(({ packet_id: packetId }) => packetId)).size).toBe(5);
    expect(records.every(({ iface }) => iface === pair.b.device)).toBe(true);
    for (const end of ['entry', 'exit']) {
      expect(summaries.find(({ hook }) => hook === `bpf:${NAME}@${end}`)).toMatchObject({
        ...{ seen: 9, matched: 5, written: 5, lost: 0, missed: 0, by: { filter: 4 } },
      });
    }
    provedBy('tc', 'the program');
  });

  it('is named by its id, and one end is enough', async () => {
    const { id } = await load(SkbProgram.tc(pair.b, NAME));
    const { records } = await capture(['--hook', `bpf:${id}@exit`, 'udp port 9'], traffic);
    expect(records.map(({ verdict }) => verdict)).toEqual(['SHOT', 'SHOT', 'SHOT', 'OK', 'OK']);
  });
});

describe.skipIf(!kernel.fentry)('a socket filter', () => {
  it('returns how many bytes the socket gets', async () => {
    const { id } = await load(SkbProgram.socket(pair.b, 'keep_some'));
    const { records } = await capture(['--hook', 'bpf:keep_some', 'udp port 9'], traffic);
    expect(records.filter(({ hook }) => hook.endsWith('@exit')).map(({ ret }) => ret)).toEqual([
      '2',
      '2',
      '2',
      '0',
      '0',
    ]);
    expect(records).toHaveLength(10);
    expect((await runXcap(['--hook', `bpf:${id}`, '--duration', '1ms'])).status).toBe(0);
    provedBy('socketFilter', 'the program');
  });
});

describe.skipIf(!kernel.fentry)('a flow dissector', () => {
  it('is given the packets whose headers somebody asks for', async () => {
    const { id } = await load(SkbProgram.dissector(pair.a, 'dissect'));
    // A packet socket asks, for where the transport header is (packet_parse_headers()).
    const { records, stderr } = await capture(['--hook', 'bpf:dissect', 'udp port 9'], traffic);
    expect(stderr).toContain(`packets to flow dissector (program ${id} (dissect), fentry)`);
    const at = (end: string): readonly JsonRecord[] =>
      records.filter(({ hook }) => hook === `bpf:dissect@${end}`);
    const sent = [...Array<Uint8Array>(3).fill(frame(SHOT, { change: 1 })), frame(OK), frame(OK)];
    // Older kernels have not said yet where the link header is.
    const network = (packet: string): string => packet.slice(packet.indexOf('45000031'));
    expect(at('entry').map(({ packet }) => network(packet))).toEqual(
      sent.map((each) => network(hex(each))),
    );
    expect(at('exit').map(({ ret }) => ret)).toEqual(Array(5).fill('BPF_OK'));
    provedBy('dissector', 'the program');
  });
});

describe('a program that cannot be hooked', () => {
  it.each([
    ['bpf:4294967295', 1, /: no BPF program has the id 4294967295$/],
    ['bpf:no_such_program', 1, /: no program that is given sk_buffs is of that name$/],
    ['bpf:@exit', 1, /: no program$/],
  ])('%s is told in a line', async (name, status, message) => {
    const outcome = await runXcap(['--hook', name]);
    expect(outcome.stderr.split('\n')[0]).toMatch(message);
    expect(outcome.status).toBe(status);
  });

  it('without types, or by a name that two have, is told in a line', async () => {
    const { id } = await load(SkbProgram.tc(pair.b, 'no_types', 'nobtf'));
    const bare = await runXcap(['--hook', 'bpf:no_types']);
    expect(bare.stderr).toMatch(
      new RegExp(`^xcap: .*program ${id} \\(no_types\\) has no BTF\n {2}compile it with -g`),
    );
    expect(bare.status).toBe(4);
    await load(SkbProgram.socket(pair.b, 'of_one_name'));
    await load(SkbProgram.socket(pair.b, 'of_one_name'));
    const both = await runXcap(['--hook', 'bpf:of_one_name']);
    expect(both.stderr).toMatch(
      /: 2 programs have that name: .*\n {2}name one by its id: bpf:\d+\n$/,
    );
    expect(both.status).toBe(1);
  });
});
