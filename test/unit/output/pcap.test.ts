import { expect, test } from 'vitest';
import { PcapSink, wholeRecordsLength } from '../../../src/output/pcap.ts';
import {
  icmpFrame,
  judge,
  MemoryStream,
  rawRecord,
  sampleRecord,
  tsharkFields,
} from './samples.ts';

async function capture(...records: Parameters<PcapSink['write']>[0][]): Promise<Buffer> {
  const stream = new MemoryStream();
  const sink = new PcapSink(stream, { snaplen: 80 });
  for (const record of records) sink.write(record);
  await sink.close();
  return stream.bytes;
}

test('capinfos reads a nanosecond pcap of Ethernet with the snap length', async () => {
  const text = judge(await capture(sampleRecord()), 'capinfos', 'FILE').replaceAll(/ +/g, ' ');
  expect(text).toContain('File type: Wireshark/tcpdump/... - nanosecond pcap');
  expect(text).toContain('File encapsulation: Ethernet');
  expect(text).toContain('Packet size limit: file hdr: 80 bytes');
});

test('tcpdump prints the packets with their nanoseconds, cut to the snap length', async () => {
  const bytes = await capture(sampleRecord({ timeNs: 1_000_000_001n }), rawRecord());
  expect(judge(bytes, 'tcpdump', '-nntt', '--nano', '-r', 'FILE').split('\n').slice(0, 2)).toEqual([
    '1.000000001 IP 10.0.0.2 > 10.0.0.1: ICMP echo request, id 0, seq 1, length 64',
    '1763697600.123456789 IP 10.0.0.2 > 10.0.0.1: ICMP echo request, id 0, seq 1, length 64',
  ]);
  expect(tsharkFields(bytes, 'frame.cap_len', 'frame.len')).toEqual([
    ['80', '98'],
    ['80', '98'],
  ]);
});

test('a packet without a link header gets a zeroed one, counted', async () => {
  const stream = new MemoryStream();
  const sink = new PcapSink(stream, { snaplen: 0 });
  sink.write(rawRecord());
  sink.write(sampleRecord());
  await sink.close();
  expect(sink.zeroedLinkHeaders).toBe(1);
  expect(tsharkFields(stream.bytes, 'frame.len', 'eth.src', 'ip.src')).toEqual([
    ['98', '00:00:00:00:00:00', '10.0.0.2'],
    ['98', '02:00:00:00:00:02', '10.0.0.2'],
  ]);
});

test('an empty capture is a file that tcpdump reads', async () => {
  expect(judge(await capture(), 'tcpdump', '-nr', 'FILE')).toBe('');
});

test('wholeRecordsLength() cuts a torn file between records, and inside the header to nothing', async () => {
  const bytes = await capture(sampleRecord(), sampleRecord({ data: icmpFrame(3) }));
  const first = 24 + 16 + 80;
  expect(wholeRecordsLength(bytes)).toBe(bytes.length);
  expect(wholeRecordsLength(bytes.subarray(0, bytes.length - 1))).toBe(first);
  expect(wholeRecordsLength(bytes.subarray(24, first + 10))).toBe(first - 24);
  expect(wholeRecordsLength(bytes.subarray(0, first - 1))).toBe(24);
  expect(wholeRecordsLength(bytes.subarray(0, 23))).toBe(0);
});
