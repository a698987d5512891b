import { describe, expect, test } from 'vitest';
import { EVENT_BYTES, EVENT_FIELDS } from '../../../src/abi/events.ts';
import { PcapSink } from '../../../src/output/pcap.ts';
import { PcapngSink } from '../../../src/output/pcapng/writer.ts';
import type { ByteStream, Sink } from '../../../src/output/sink.ts';
import { EventRecord } from '../../../src/records/event-record.ts';
import type { PacketRecord } from '../../../src/records/record.ts';
import { NO_NAMES } from '../../support/names.ts';
import { icmpFrame, MemoryStream } from './samples.ts';

/** Its lower half carries when an event's is added. */
const OFFSET_NS = 0x1879_ab12_8000_01ffn;

/** The event of a packet where it lies in a ring, 8 bytes from its start. */
function eventRecord(packet: Uint8Array, link: 0 | 1, offsetNs = OFFSET_NS): EventRecord {
  const memory = new Uint8Array(8 + EVENT_BYTES + ((packet.length + 7) & ~7));
  const view = new DataView(memory.buffer, 8);
  const at = (name: string): number => EVENT_FIELDS.find((field) => field.name === name)!.offset;
  view.setBigUint64(at('time_ns'), 0xffff_ff00n, true);
  view.setUint32(at('wire_length'), packet.length, true);
  view.setUint32(at('captured_length'), packet.length, true);
  view.setUint8(at('link'), link);
  view.setUint16(at('protocol'), 0x0800, true);
  memory.set(packet, 8 + EVENT_BYTES);
  // What is behind the packet must not get into a file.
  memory.fill(0xee, 8 + EVENT_BYTES + packet.length);
  const record = new EventRecord(memory, { ...NO_NAMES, clockOffsetNs: () => offsetNs });
  record.refresh();
  record.moveTo(8, memory.length - 8);
  return record;
}

/** The same without what spares a view and a bigint. */
function plainly(record: EventRecord): PacketRecord {
  const hidden = ['dataLength', 'copyWords', 'timeLow', 'timeHigh'];
  return new Proxy(record, {
    get: (target, name) =>
      hidden.includes(String(name)) ? undefined : (Reflect.get(target, name, target) as unknown),
  });
}

async function written(
  makeSink: (stream: ByteStream) => Sink,
  records: readonly PacketRecord[],
): Promise<Buffer> {
  const stream = new MemoryStream();
  const sink = makeSink(stream);
  for (const record of records) sink.write(record);
  await sink.close([]);
  return stream.bytes;
}

const clock = (): bigint => 0n;
const sinks: readonly (readonly [
  name: string,
  make: (stream: ByteStream, snaplen: number) => Sink,
])[] = [
  ['pcap', (stream, snaplen) => new PcapSink(stream, { snaplen })],
  ['pcapng', (stream, snaplen) => new PcapngSink(stream, { snaplen, application: 'x', clock })],
  [
    'pcapng of network-layer packets',
    (stream, snaplen) =>
      new PcapngSink(stream, { snaplen, application: 'x', linkType: 'raw', clock }),
  ],
];

describe.each(sinks)('%s', (_name, makeSink) => {
  test.each([0, 10, 14, 15, 16, 63, 80, 257])(
    'of events where they lie is that of records with a view of them, cut to %i bytes',
    async (snaplen) => {
      const frames = [0, 1, 2, 3, 56, 57, 230, 300, 1400].map(icmpFrame);
      const records = frames.flatMap((frame) => [
        eventRecord(frame, 1),
        eventRecord(frame.subarray(14), 0),
      ]);
      const make = (stream: ByteStream): Sink => makeSink(stream, snaplen);
      const bytes = await written(make, records);
      expect(bytes.equals(await written(make, records.map(plainly)))).toBe(true);
      expect(bytes.length).toBeGreaterThan(300);
    },
  );
});

test.each([OFFSET_NS, 0x1879_ab12_0000_00ffn, -0x1_0000_0000n, -1n])(
  'the halves of a time are those of the whole: %i ns added',
  (offsetNs) => {
    const record = eventRecord(icmpFrame(), 1, offsetNs);
    expect((BigInt(record.timeHigh) << 32n) | BigInt(record.timeLow)).toBe(
      BigInt.asUintN(64, record.timeNs),
    );
    expect(record.timeNs).toBe(0xffff_ff00n + offsetNs);
  },
);
