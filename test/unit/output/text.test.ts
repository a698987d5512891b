import { describe, expect, test } from 'vitest';

import type { ByteStream } from '../../../src/output/sink.ts';
import { TextSink } from '../../../src/output/text.ts';
import type { TextOptions } from '../../../src/output/text.ts';
import type { PacketRecord } from '../../../src/records/record.ts';
import { ethernet, filler, icmp, ipv4, tcp, u16, u32, bytes } from '../../support/packets.ts';

/** Keeps what it is given, chunk by chunk. */
class MemoryStream implements ByteStream {
  readonly chunks: Buffer[] = [];
  readonly pendingBytes = 0;
  readonly error = undefined;
  drainedCalls = 0;
  ended = false;

  write(chunk: Uint8Array): void {
    this.chunks.push(Buffer.from(chunk));
  }
  drained(): Promise<void> {
    this.drainedCalls++;
    return Promise.resolve();
  }
  end(): Promise<void> {
    this.ended = true;
    return Promise.resolve();
  }
  get text(): string {
    return Buffer.concat(this.chunks).toString('utf8');
  }
}

const OPTIONS: TextOptions = {
  time: 'time',
  utc: true,
  link: false,
  verbose: 0,
  quiet: false,
  absoluteSequence: false,
  hex: undefined,
  color: 'never',
  lineBuffered: false,
};

const PING = ethernet(
  0x0800,
  ipv4({ src: '10.0.0.2', dst: '10.0.0.1', protocol: 1 }, icmp(8, 0, bytes(u16(7, 1), filler(56)))),
);

const RECORD: PacketRecord = {
  hook: 'drop',
  timeNs: 1_795_262_401_123_456_789n,
  cpu: 1,
  skb: 0xffff88810a3b2c00n,
  ifindex: 7,
  iface: 'eth1',
  netns: 4026532173,
  netnsName: 'blue',
  netnsLabel: 'blue',
  reason: 'NETFILTER_DROP',
  location: 'nf_hook_slow+0xa2',
  context: 'softirq',
  pid: 4242,
  tid: 4243,
  comm: 'ping',
  uid: 1000,
  mark: 0x2a,
  queue: 3,
  protocol: 0x0800,
  packetType: 'host',
  linkType: 'ethernet',
  wireLength: PING.length,
  data: PING,
};

const PACKET = 'IP 10.0.0.2 > 10.0.0.1: ICMP echo request, id 7, seq 1, length 64';

async function lines(
  records: readonly Partial<PacketRecord>[],
  options: Partial<TextOptions> = {},
): Promise<string> {
  const stream = new MemoryStream();
  const sink = new TextSink(stream, { ...OPTIONS, ...options });
  for (const record of records) sink.write({ ...RECORD, ...record });
  await sink.close();
  return stream.text;
}

describe('TextSink', () => {
  test('prints time, place, hook, reason, location, task and packet', async () => {
    expect(await lines([{}])).toBe(
      '12:00:01.123456789 eth1@blue drop NETFILTER_DROP nf_hook_slow+0xa2 ' +
        `softirq(ping/4242) ${PACKET}\n`,
    );
  });

  test.each([
    ['process', 'ping/4242'],
    ['softirq', 'softirq(ping/4242)'],
    ['hardirq', 'hardirq(ping/4242)'],
    ['nmi', 'nmi(ping/4242)'],
    [undefined, '?(ping/4242)'],
  ] as const)('prints the task in context %s as %s', async (context, expected) => {
    expect(await lines([{ context }])).toContain(`+0xa2 ${expected} IP `);
  });

  test('prints ? for no interface and no @ for no namespace', async () => {
    const nowhere = { iface: undefined, netnsLabel: undefined };
    expect(await lines([nowhere, { netnsLabel: undefined }], { time: 'none' })).toMatch(
      /^\? drop .*\neth1 drop /,
    );
  });

  test('leaves out what a hook does not have', async () => {
    const seen = {
      hook: 'rx',
      reason: undefined,
      location: undefined,
      context: 'process',
    } as const;
    expect(await lines([seen], { time: 'none' })).toBe(`eth1@blue rx ping/4242 ${PACKET}\n`);
  });

  test('prints a verdict, or what was returned, in the place of a reason', async () => {
    const rest = { reason: undefined, location: undefined };
    expect(await lines([{ hook: 'xdp:eth1@exit', verdict: 'DROP', ...rest }])).toContain(
      ' xdp:eth1@exit DROP softirq(',
    );
    expect(await lines([{ hook: 'kretprobe:ip_rcv', ret: '-EPERM', ...rest }])).toContain(
      ' kretprobe:ip_rcv ret=-EPERM softirq(',
    );
    expect(
      await lines([{ hook: 'xdp:eth1@exit', verdict: 'REDIRECT', redirect: 'eth2', ...rest }]),
    ).toContain(' REDIRECT eth2 ');
  });

  test('prints the location alone on kernels without reasons', async () => {
    expect(await lines([{ reason: undefined }])).toContain('drop nf_hook_slow+0xa2 softirq');
  });

  test('-q leaves location and task out and shortens the packet', async () => {
    const data = ethernet(0x0800, ipv4({ protocol: 6 }, tcp({ flags: 2 })));
    expect(await lines([{ data, wireLength: data.length }], { quiet: true })).toBe(
      '12:00:01.123456789 eth1@blue drop NETFILTER_DROP IP 10.0.0.1.40000 > 10.0.0.2.80: tcp 0\n',
    );
  });

  test('-v adds a line of numbers after the packet', async () => {
    expect(await lines([{}], { verbose: 1, time: 'none' })).toBe(
      'eth1@blue drop NETFILTER_DROP nf_hook_slow+0xa2 softirq(ping/4242) ' +
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto ICMP (1), length 84)\n' +
        '    10.0.0.2 > 10.0.0.1: ICMP echo request, id 7, seq 1, length 64\n' +
        '    tid=4243 uid=1000 cpu=1 ifindex=7 netns=4026532173 mark=0x2a queue=3 ' +
        'protocol=0x0800 type=host len=98 caplen=98 skb=0xffff88810a3b2c00\n',
    );
  });

  test('-v leaves out what is unknown and keeps what is zero', async () => {
    const unknown = { ifindex: undefined, netns: undefined, packetType: undefined, mark: 0 };
    expect(await lines([unknown], { verbose: 1 })).toContain(
      '\n    tid=4243 uid=1000 cpu=1 mark=0x0 queue=3 protocol=0x0800 len=98 caplen=98 skb=',
    );
  });

  test('-e prints the link header', async () => {
    expect(await lines([{}], { link: true })).toContain(
      ') 02:00:00:00:00:0a > 02:00:00:00:00:0b, ethertype IPv4 (0x0800), length 98: 10.0.0.2 > ',
    );
  });

  test('dumps follow the packet', async () => {
    const text = await lines([{}], { hex: 'x' });
    expect(text).toContain(`${PACKET}\n\t0x0000:  4500 0054 0001 `);
    expect(text).toMatch(/ 3637\n$/);
  });

  test('a packet without a link header is read from its IP header', async () => {
    const raw = { linkType: 'raw', data: PING.subarray(14), wireLength: 84 } as const;
    expect(await lines([raw])).toContain(PACKET);
  });

  test('TCP sequence numbers are relative after the first segment, and absolute with -S', async () => {
    const segments = [1000, 1010].map((seq) => {
      const data = ethernet(
        0x0800,
        ipv4({ protocol: 6 }, tcp({ flags: 16, seq, ack: 501 }, filler(10))),
      );
      return { data, wireLength: data.length };
    });
    expect(await lines(segments)).toMatch(/seq 1000:1010, ack 501.*\n.*seq 10:20, ack 1,/);
    expect(await lines(segments, { absoluteSequence: true })).toMatch(
      /\n.*seq 1010:1020, ack 501,/,
    );
  });

  test('colors the hook and the reason when asked to, and nothing else says it', async () => {
    const colored = await lines([{}], { color: 'always' });
    expect(colored).toContain('\x1b[36mdrop\x1b[0m \x1b[1;31mNETFILTER_DROP\x1b[0m ');
    expect(colored.replaceAll(/\x1b\[[\d;]*m/g, '')).toBe(await lines([{}]));
  });

  test('no name can start a line, move the cursor or pass for another field', async () => {
    const evil = 'a\n12:00:02 \x1b[2J\u202e\x9bb\\';
    const safe = 'a\\x0a12:00:02 \\x1b[2J\\u202e\\x9bb\\\\';
    const record = { iface: evil, netnsLabel: evil, reason: evil, location: evil, comm: evil };
    expect(await lines([record], { time: 'none' })).toBe(
      `${safe}@${safe} drop ${safe} ${safe} softirq(${safe}/4242) ${PACKET}\n`,
    );
  });

  test('names beyond Latin survive as UTF-8', async () => {
    expect(await lines([{ comm: '日本🐧' }])).toContain('softirq(日本🐧/4242)');
  });

  test('hands nothing over before 32 KiB, and all of it in order', async () => {
    const stream = new MemoryStream();
    const sink = new TextSink(stream, OPTIONS);
    sink.write(RECORD);
    expect(stream.chunks).toHaveLength(0);
    for (let pid = 0; pid < 2000; pid++) sink.write({ ...RECORD, pid });
    expect(stream.chunks.length).toBeGreaterThan(5);
    for (const chunk of stream.chunks) expect(chunk.length).toBeGreaterThanOrEqual(32 * 1024);
    await sink.flush();
    expect(stream.drainedCalls).toBe(1);
    const pids = [...stream.text.matchAll(/ping\/(\d+)\)/g)].map((match) => Number(match[1]));
    expect(pids).toEqual([4242, ...Array.from({ length: 2000 }, (_, pid) => pid)]);
    expect(stream.ended).toBe(false);
    await sink.close();
    expect(stream.ended).toBe(true);
  });

  test('-l hands every line over at once', () => {
    const stream = new MemoryStream();
    const sink = new TextSink(stream, { ...OPTIONS, lineBuffered: true });
    sink.write(RECORD);
    sink.write(RECORD);
    expect(stream.chunks.map((chunk) => chunk.toString('utf8').slice(-3))).toEqual([
      '64\n',
      '64\n',
    ]);
  });

  test('a dump larger than the buffer arrives whole', async () => {
    const data = ethernet(0x0800, ipv4({ protocol: 17 }, bytes(u32(0, 0), filler(60_000))));
    const text = await lines([{}, { data, wireLength: data.length }, {}], { hex: 'XX' });
    expect(text.match(/\n\t0x/g)).toHaveLength(Math.ceil(data.length / 16) + 2 * 7);
    expect(text.match(/^12:00/gm)).toHaveLength(3);
  });

  test('the id of a followed packet stands behind the hook', async () => {
    expect(await lines([{ packetId: 7n }], { ids: true })).toContain(' drop id=7 ');
    expect(await lines([{ packetId: 7n }])).not.toContain('id=7 ');
    expect(await lines([{}], { ids: true })).not.toMatch(/drop id=/);
  });

  test('a stack is lines under the packet, before its bytes', async () => {
    const stack = ['nf_hook_slow+0xa2', 'veth_xmit+0x40 [ve\u001bth]'];
    const text = await lines([{ stack }], { hex: 'x' });
    expect(text.split('\n').slice(1, 4)).toEqual([
      '    nf_hook_slow+0xa2',
      '    veth_xmit+0x40 [ve\\x1bth]',
      expect.stringMatching(/^\t0x0000/),
    ]);
  });

  test('keeps nothing of the data after write()', async () => {
    const stream = new MemoryStream();
    const sink = new TextSink(stream, { ...OPTIONS, hex: 'x' });
    const data = Uint8Array.from(PING);
    sink.write({ ...RECORD, data });
    data.fill(0);
    await sink.close();
    expect(stream.text).toContain(PACKET);
  });
});
