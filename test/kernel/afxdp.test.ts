import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kernel } from '../support/kernel-features.ts';
import { proved, provedBy } from '../support/hook-table.ts';
import { NetnsPair, networkCards, type Netns } from '../support/netns.ts';
import { ethernet, filler, ipv4, udp } from '../support/packets.ts';
import { capture, runXcap } from '../support/tracer.ts';
import { AfXdpReceiver } from '../support/af-xdp-receiver.ts';
import { bindsZeroCopy, sendByAfXdp, sendFrames, type AfXdpSending } from '../support/traffic.ts';

const COUNT = 20;
const OTHER = 3;

let pair: NetnsPair;
let frame: Uint8Array;
let other: Uint8Array;
beforeAll(() => {
  pair = new NetnsPair();
  const ends = { src: pair.a.address4, dst: pair.b.address4 };
  const datagram = (dport: number): Uint8Array =>
    ethernet(0x0800, ipv4({ ...ends, protocol: 17 }, udp({ sport: 7, dport }, filler(60), ends)), {
      src: pair.a.mac,
      dst: pair.b.mac,
    });
  frame = datagram(9);
  other = datagram(10);
});
afterAll(() => {
  pair.dispose();
});

/** How many packets of the port tcpdump sees on the device, going both ways, while `traffic` runs. */
async function tcpdumpSees(at: Netns, traffic: () => void | Promise<void>): Promise<number> {
  const [program = '', ...args] = at.command([
    ...['tcpdump', '-n', '--immediate-mode', '-i', at.device, 'udp port 9'],
  ]);
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  const ended = new Promise((resolve) => child.once('close', resolve));
  await new Promise<void>((resolve) => {
    child.stderr.on('data', (chunk: Buffer) => {
      if (chunk.toString().includes('listening on')) resolve();
    });
  });
  await traffic();
  await new Promise((resolve) => setTimeout(resolve, 300));
  child.kill('SIGINT');
  await ended;
  return out.split('\n').filter((line) => line !== '').length;
}

const able = kernel.fentry || kernel.kprobe;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe.skipIf(!able)('what an AF_XDP socket sends', () => {
  it('is seen where tcpdump sees nothing, with device, queue and process', async () => {
    let seenByTcpdump = -1;
    const { records, summaries, stderr } = await capture(
      ['--hook', 'afxdp:tx', '--netns', pair.a.name, 'udp port 9'],
      async () => {
        seenByTcpdump = await tcpdumpSees(pair.a, () => {
          expect(sendByAfXdp(pair.a, frame, COUNT)).toBe(COUNT);
          expect(sendByAfXdp(pair.a, other, OTHER)).toBe(OTHER);
        });
      },
    );
    expect(seenByTcpdump).toBe(0);
    expect(stderr).toMatch(/tracing AF_XDP transmission \(__dev_direct_xmit, \S+\), /);
    expect(records).toHaveLength(COUNT);
    for (const record of records) {
      expect(record).toMatchObject({
        ...{ hook: 'afxdp:tx', iface: pair.a.device, netns: pair.a.inode, queue: 0 },
        ...{ comm: 'af-xdp', context: 'process', len: frame.length, packet: hex(frame) },
      });
    }
    expect(summaries).toEqual([
      expect.objectContaining({
        ...{ hook: 'afxdp:tx', seen: COUNT + OTHER, matched: COUNT, written: COUNT },
        ...{ by: { filter: OTHER }, lost: 0, missed: 0 },
      }),
    ]);
    proved('afxdpTx', stderr);
  });

  // What is read of a zero-copy descriptor, where a copy shows whether it is right: all kernels can run that.
  it('lies in the memory of its pool', async () => {
    const action = join(import.meta.dirname, '../../docs/examples/xsk-pool.c');
    const { records } = await capture(
      ['--hook', 'afxdp:tx', '--netns', pair.a.name, '--action-c', action],
      () => void sendByAfXdp(pair.a, frame, 2),
    );
    const first = new DataView(frame.buffer, frame.byteOffset).getBigUint64(0, true);
    expect(records.map(({ user }) => user)).toEqual(
      Array.from({ length: 2 }, () => ({ first_word: Number(first), same_device: 1, queue: 0 })),
    );
  });

  it.skipIf(!kernel.attachCookie)('is a descriptor, or many, where nothing is copied', async () => {
    const { stderr } = await capture(
      ['--hook', 'afxdp:tx', '--netns', pair.a.name],
      () => undefined,
    );
    expect(stderr).toMatch(/AF_XDP transmission \(xsk_tx_peek_desc, fexit\)/);
    const batch = 'xsk_tx_peek_release_desc_batch';
    expect(stderr.includes(`(${batch}, fexit)`)).toBe(kernel.bpfLoop && kernel.hasFunction(batch));
  });

  it('is all that is seen there', async () => {
    const { records } = await capture(['--hook', 'afxdp:tx', '--netns', pair.a.name], () => {
      sendFrames(pair.a, [frame], { count: COUNT });
    });
    expect(records).toEqual([]);
  });
});

/** Frames for two ports to a socket that takes them all: those of one are captured, with whose they are. */
async function seesReceiver(
  { a, b }: NetnsPair,
  mode: 'generic' | 'native' | 'zero-copy',
  options: readonly string[] = [],
): Promise<Awaited<ReturnType<typeof capture>>> {
  let seenByTcpdump = -1;
  let received: readonly string[] = [];
  let receiver: AfXdpReceiver | undefined;
  const captured = await capture(
    ['--hook', 'afxdp:rx', '--netns', b.name, ...options, 'udp port 9'],
    async () => {
      receiver = await AfXdpReceiver.start(b, mode, COUNT + OTHER);
      seenByTcpdump = await tcpdumpSees(b, async () => {
        sendFrames(a, [frame], { count: COUNT });
        sendFrames(a, [other], { count: OTHER });
        received = (await receiver?.frames) ?? [];
      });
    },
  );
  expect(received).toHaveLength(COUNT + OTHER);
  expect(seenByTcpdump).toBe(0);
  expect(captured.records).toHaveLength(COUNT);
  for (const record of captured.records) {
    expect(record).toMatchObject({
      ...{ hook: 'afxdp:rx', iface: b.device, netns: b.inode, queue: 0 },
      ...{ context: 'softirq', len: frame.length, packet: hex(frame) },
      ...{ owner_pid: receiver?.pid, owner_comm: 'af-xdp' },
    });
  }
  expect(captured.summaries[0]).toMatchObject({
    ...{ hook: 'afxdp:rx', seen: COUNT + OTHER, matched: COUNT, written: COUNT, lost: 0 },
  });
  return captured;
}

describe.skipIf(!able)('what an AF_XDP socket receives', () => {
  it('in generic mode is seen where tcpdump sees nothing, with device, queue and process', async () => {
    const { stderr } = await seesReceiver(pair, 'generic');
    proved('afxdpRxGeneric', stderr);
  });

  it('in native mode is seen where tcpdump sees nothing, and --who tells the same process', async () => {
    const { stderr, records } = await seesReceiver(pair, 'native', ['--who', 'owner']);
    for (const record of records) expect(record).toMatchObject({ owner_by: 'create' });
    proved('afxdpRxNative', stderr);
  });
});

describe.skipIf(!able)('an AF_XDP socket that copies nothing', () => {
  let cards: NetnsPair | undefined;
  let obstacle: string | undefined;
  beforeAll(() => {
    const found = networkCards();
    cards = found && new NetnsPair(found);
    if (cards === undefined) obstacle = 'no network cards for tests: scripts/guest/boot --nics';
    else if (!bindsZeroCopy(cards.a)) obstacle = 'its driver binds no socket in zero copy';
  });
  afterAll(() => {
    cards?.dispose();
  });

  function pairFor(skip: (note?: string) => never): NetnsPair {
    if (cards === undefined || obstacle !== undefined) return skip(obstacle);
    return cards;
  }

  it.for<[string, AfXdpSending]>([
    ['one frame at a time', {}],
    ['many frames at a time', { batch: COUNT }],
    // The kernel fills the batch by the function for one descriptor, which is hooked too.
    ['with another in the same memory', { batch: COUNT, shared: true }],
  ])('is seen sending %s, where tcpdump sees nothing', async ([, how], { skip }) => {
    const { a } = pairFor(skip);
    let seenByTcpdump = -1;
    const { records, summaries, stderr } = await capture(
      ['--hook', 'afxdp:tx', '--netns', a.name, 'udp port 9'],
      async () => {
        seenByTcpdump = await tcpdumpSees(a, () => {
          expect(sendByAfXdp(a, frame, COUNT, { ...how, zeroCopy: true })).toBe(COUNT);
          expect(sendByAfXdp(a, other, OTHER, { ...how, zeroCopy: true })).toBe(OTHER);
        });
      },
    );
    expect(seenByTcpdump).toBe(0);
    expect(records).toHaveLength(COUNT);
    for (const record of records) {
      expect(record).toMatchObject({
        ...{ hook: 'afxdp:tx', iface: a.device, netns: a.inode, queue: 0 },
        ...{ context: 'softirq', len: frame.length, packet: hex(frame) },
      });
    }
    expect(summaries).toEqual([
      expect.objectContaining({
        ...{ hook: 'afxdp:tx', seen: COUNT + OTHER, matched: COUNT, written: COUNT },
        ...{ by: { filter: OTHER }, lost: 0, missed: 0 },
      }),
    ]);
    expect(stderr).toMatch(/AF_XDP transmission \(xsk_tx_peek_release_desc_batch, fexit\)/);
    provedBy('afxdpTxZeroCopy', 'fexit');
  });

  it('is seen receiving, where tcpdump sees nothing', async ({ skip }) => {
    const { stderr } = await seesReceiver(pairFor(skip), 'zero-copy');
    proved('afxdpRxZeroCopy', stderr);
  });
});

/** Each kernel has one of them as a function of its own. */
const POINTERS = ['__netif_receive_skb_core', 'do_xdp_generic'];

describe.skipIf(!able)('a function with a struct sk_buff **', () => {
  it('sees the packet behind it', async ({ skip }) => {
    const listed = await Promise.all(POINTERS.map((each) => runXcap(['hooks', each])));
    const row = listed.find(({ stdout }) => /struct sk_buff \*\*pskb, argument \d$/m.test(stdout));
    const name = POINTERS.find((each) => row?.stdout.includes(each));
    skip(name === undefined, 'no function here that can be hooked is given one');
    const { records, stderr } = await capture(
      ['--hook', name ?? '', '--netns', pair.b.name, 'udp port 9'],
      async () => {
        const receiver = await AfXdpReceiver.start(pair.b, 'generic', COUNT + OTHER);
        sendFrames(pair.a, [frame], { count: COUNT });
        sendFrames(pair.a, [other], { count: OTHER });
        await receiver.frames;
      },
    );
    expect(records.map(({ packet }) => packet)).toEqual(
      Array.from({ length: COUNT }, () => hex(frame)),
    );
    proved('pointer', stderr);
  });
});

describe.skipIf(able)('AF_XDP hooks', () => {
  it('say that this kernel cannot have them', async () => {
    const { status, stderr } = await runXcap(['--hook', 'afxdp']);
    expect(status).toBe(4);
    expect(stderr).toMatch(
      /^xcap: choosing hooks: afxdp:tx: this kernel has neither fentry programs nor kprobes\n/,
    );
  });
});
