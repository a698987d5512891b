import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kernel } from '../support/kernel-features.ts';
import { NetnsPair } from '../support/netns.ts';
import { ethernet, ipv4, udp } from '../support/packets.ts';
import { capture, type Captured, type JsonRecord } from '../support/tracer.ts';
import { sendDatagrams, sendStream, type StreamKind } from '../support/traffic.ts';

const PORT = 9000;
const ETHERNET = 14;

/** Byte `i` of what is sent: bytes that are missing, doubled or moved show. */
const patternAt = (i: number): number => Math.imul(i, 0x9e3779b1) >>> 24;
const pattern = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => patternAt(i));

let pair: NetnsPair;
const folder = mkdtempSync(join(tmpdir(), 'xcap-whole-'));
const file = join(folder, 'bytes');
const BYTES = 150_000;
beforeAll(() => {
  writeFileSync(file, pattern(BYTES));
  pair = new NetnsPair();
});
afterAll(() => {
  pair.dispose();
  rmSync(folder, { recursive: true, force: true });
});

/** Bytes of the stream that are in its packets; undefined where a packet has other bytes. */
function streamBytes(records: readonly JsonRecord[], linkBytes = ETHERNET): number | undefined {
  let first: number | undefined;
  // Some may be sent again.
  const seen = new Uint8Array(BYTES);
  for (const { packet } of records) {
    const bytes = Buffer.from(packet, 'hex');
    const tcp = linkBytes + (bytes[linkBytes]! & 15) * 4;
    const sequence = bytes.readUInt32BE(tcp + 4);
    // The packet that opens the connection takes one number.
    if ((bytes[tcp + 13]! & 2) !== 0) first = sequence + 1;
    if (first === undefined) return undefined;
    const at = (sequence - first) >>> 0;
    const payload = bytes.subarray(tcp + (bytes[tcp + 12]! >> 4) * 4);
    if (!payload.every((byte, i) => byte === patternAt(at + i))) return undefined;
    seen.fill(1, at, at + payload.length);
  }
  return seen.reduce((sum, one) => sum + one, 0);
}

/** Where a packet that is sent is seen whole, by the programs that can be there, and how it was sent. */
const SENDING: readonly (readonly [hook: string, kind: StreamKind])[] = [
  ...(kernel.pagesOf('tp-btf')
    ? (['write', 'sendfile', 'zerocopy'] as const).map((kind) => ['tx', kind] as const)
    : []),
  ...(kernel.fentry && kernel.pagesOf('fentry')
    ? [['fentry:dev_hard_start_xmit', 'sendfile'] as const]
    : []),
  ...(kernel.kprobe && kernel.pagesOf('kprobe')
    ? [['kprobe:dev_hard_start_xmit', 'sendfile'] as const]
    : []),
];

async function streamed(kind: StreamKind, ...args: readonly string[]): Promise<Captured> {
  const listen = `TCP-LISTEN:${PORT},reuseaddr,fork`;
  const server = pair.b.spawn('socat', '-u', listen, 'OPEN:/dev/null');
  try {
    for (let i = 0; !pair.b.exec('ss', '-Hltn').includes(`:${PORT}`); i++) {
      if (i > 200) throw new Error('socat does not listen');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return await capture(['--netns', pair.a.name, ...args, `tcp dst port ${PORT}`], () => {
      const to = pair.b.address4;
      expect(sendStream(pair.a, kind, { to, port: PORT, file })).toBe(BYTES);
    });
  } finally {
    server.kill();
  }
}

describe('a capture of packets in pages', () => {
  it.each(SENDING)('at %s has every byte of what %s sends', async (hook, kind) => {
    const { records, summaries } = await streamed(kind, '--hook', hook);
    expect(records.every(({ len, caplen, bytes }) => caplen === len && bytes === undefined)).toBe(
      true,
    );
    expect(streamBytes(records)).toBe(BYTES);
    // Segmentation is the device's: in pages, and larger than any frame.
    expect(Math.max(...records.map(({ len }) => len))).toBeGreaterThan(3000);
    expect(summaries[0]).toMatchObject({ matched: records.length, lost: 0, missed: 0 });
  });

  it.runIf(kernel.pagesOf('tp-btf'))('ends at the snap length', async () => {
    const { records } = await streamed('write', '--hook', 'tx', '-s', '3000');
    expect(records.some(({ len }) => len > 3000)).toBe(true);
    for (const { len, caplen, bytes } of records) {
      expect([caplen, bytes]).toEqual([Math.min(len, 3000), undefined]);
    }
    expect(streamBytes(records)).toBeGreaterThan(3000);
  });

  it('says where only the linear part can be had', async () => {
    const without = ['--without-feature', 'skb-dynptr', '--without-feature', 'direct-map'];
    const { records } = await streamed('write', '--hook', 'tx', ...without);
    const cut = records.filter(({ len, caplen }) => caplen < len);
    expect(cut.length).toBeGreaterThan(1);
    expect(cut.every(({ bytes }) => bytes === 'linear-only')).toBe(true);
    expect(records.filter(({ bytes }) => bytes !== undefined)).toEqual(cut);
    // What a packet starts with is right, whatever it ends with.
    expect(streamBytes(records)).toBeLessThan(BYTES);
  });
});

describe.runIf(kernel.pagesOf('tp-btf'))('a packet in pages', () => {
  it('has its VLAN tag put back in front of them', async ({ skip }) => {
    const tagged = (end: NetnsPair['a'], address: string): void => {
      const add = [
        'ip',
        'link',
        'add',
        'link',
        end.device,
        'name',
        'v7',
        'type',
        'vlan',
        'id',
        '7',
      ];
      if (end.try(add).status !== 0) skip('this kernel has no VLAN devices');
      end.exec('ip', 'address', 'add', `${address}/24`, 'dev', 'v7');
      end.exec('ip', 'link', 'set', 'v7', 'up');
    };
    tagged(pair.a, '10.77.0.1');
    tagged(pair.b, '10.77.0.2');
    const server = pair.b.spawn('socat', '-u', `TCP-LISTEN:${PORT},fork`, 'OPEN:/dev/null');
    try {
      await new Promise((resolve) => setTimeout(resolve, 1000));
      const { records } = await capture(
        ['--hook', 'tx', '--netns', pair.a.name, `vlan 7 and tcp dst port ${PORT}`],
        () => void sendStream(pair.a, 'write', { to: '10.77.0.2', port: PORT, file }),
      );
      expect(records.every(({ len, caplen }) => len === caplen)).toBe(true);
      expect(records.every(({ packet }) => packet.slice(24, 36) === '810000070800')).toBe(true);
      expect(streamBytes(records, ETHERNET + 4)).toBe(BYTES);
    } finally {
      server.kill();
      pair.a.exec('ip', 'link', 'del', 'v7');
      pair.b.exec('ip', 'link', 'del', 'v7');
    }
  });

  it.each([
    ['put together of fragments', 1500, 20_000],
    ['put together of many fragments', 1500, 60_000],
    ['in a jumbo frame', 9000, 8000],
  ])('%s is dropped whole', async (_what, mtu, length) => {
    const setMtu = (bytes: number): void => {
      for (const end of [pair.a, pair.b])
        end.exec('ip', 'link', 'set', end.device, 'mtu', `${bytes}`);
    };
    setMtu(mtu);
    try {
      const payload = pattern(length);
      const { records } = await capture(
        ['--hook', 'drop', '--netns', pair.b.name, 'udp dst port 9'],
        () => void sendDatagrams(pair.a, { to: pair.b.address4, port: 9, payload, count: 2 }),
      );
      expect(records).toHaveLength(2);
      for (const { packet, len, caplen } of records) {
        expect(caplen).toBe(len);
        expect(packet.endsWith(Buffer.from(payload).toString('hex'))).toBe(true);
      }
    } finally {
      setMtu(1500);
    }
  });

  it('is looked at behind what is linear by --inner and by --filter-c', async () => {
    const AT = 9000;
    const inner = ethernet(0x0800, ipv4({ protocol: 17 }, udp({}, pattern(12_000))));
    const payload = Uint8Array.from([8, 0, 0, 0, 0, 0, 1, 0, ...inner]);
    const word = Buffer.from(inner).readUInt32BE(AT);
    // In front of the inner frame: Ethernet, which a drop does not have, IP, UDP and VXLAN.
    const asks = (value: number): string =>
      `static inline int xcap_ext_filter(void *ext, void *pkt, u16 trace_index)
{
  u32 value;
  return !xcap_u32(pkt, xcap_length(pkt) - ${inner.length - AT}, &value) && value == ${value}u;
}
`;
    const look = async (value: number): Promise<readonly number[]> => {
      const path = join(folder, 'looks.c');
      writeFileSync(path, asks(value));
      const expression = `udp and ether[${AT}:4] = 0x${value.toString(16)}`;
      const args = ['--hook', 'drop', '--netns', pair.b.name, 'udp dst port 4789'];
      const send = (): void =>
        void sendDatagrams(pair.a, { to: pair.b.address4, port: 4789, payload, count: 2 });
      const runs = [
        await capture([...args, '--inner', expression], send),
        await capture([...args, '--filter-c', path], send),
      ];
      return runs.map(({ records }) => records.length);
    };
    expect(await look(word)).toEqual([2, 2]);
    expect(await look(word ^ 1)).toEqual([0, 0]);
  });

  it('is sent whole before the device cuts it into datagrams', async () => {
    const { records } = await capture(
      ['--hook', 'tx', '--netns', pair.a.name, 'udp dst port 9'],
      () => void sendStream(pair.a, 'segments', { to: pair.b.address4, port: 9, file: segments }),
    );
    expect(records.every(({ len, caplen }) => len === caplen)).toBe(true);
    expect(records.map(({ packet }) => packet.slice(84)).join('')).toBe(
      Buffer.from(pattern(40_000)).toString('hex'),
    );
  });
  const segments = join(folder, 'segments');
  beforeAll(() => {
    writeFileSync(segments, pattern(40_000));
  });
});
