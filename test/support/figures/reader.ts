import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { join } from 'node:path';
import { EVENT_BYTES, EVENT_FIELDS } from '../../../src/abi/events.ts';
import { BpfMap } from '../../../src/bpf/map.ts';
import { Ring, RingReader } from '../../../src/bpf/ring.ts';
import { Pump } from '../../../src/capture/pump.ts';
import { JsonSink } from '../../../src/output/json.ts';
import { PcapSink } from '../../../src/output/pcap.ts';
import { PcapngSink } from '../../../src/output/pcapng/writer.ts';
import type { Sink } from '../../../src/output/sink.ts';
import { openOutput, type OutputStream } from '../../../src/output/stream.ts';
import { EventRecord } from '../../../src/records/event-record.ts';
import type { Names } from '../../../src/records/names.ts';
import { Disposer } from '../../../src/util/disposer.ts';
import { spreadOf, type Spread } from './spread.ts';

export interface ReaderFigure {
  readonly what: string;
  /** Processor time for each event, from the ring's memory to a file on tmpfs. */
  readonly ns: Spread;
  readonly millionsPerSecond: Spread;
  readonly megabytesPerSecond: Spread;
}

const RECORD_HEADER = 8;
const EVENTS_IN_RING = 16_384;
const BATCH = 1024;
const PENDING_MAX = 8 << 20;

const NAMES: Names = {
  hooks: ['drop'],
  attachPoints: ['skb:kfree_skb, BTF-typed'],
  returns: [undefined],
  socketOwner: () => undefined,
  clockOffsetNs: () => 1_763_697_600_000_000_000n,
  reason: () => 'NETFILTER_DROP',
  location: () => 'nf_hook_slow+0xa2',
  netns: () => 'blue',
  netnsLabel: () => 'blue',
  contextByStack: false,
  user: undefined,
};

/** Drop number `i`, of the same rule and device as the others; two tasks take turns. */
function makeEvent(packetBytes: number, i: number): Uint8Array {
  const event = new Uint8Array(EVENT_BYTES + packetBytes);
  const view = new DataView(event.buffer);
  const values: Readonly<Record<string, number | bigint | string>> = {
    ...{ time_ns: BigInt(i) * 1000n, skb: 0xffff888003a1c200n, wire_length: packetBytes },
    ...{ captured_length: packetBytes, cpu: 1, location: 0xffffffff81a3b2c1n, reason: 5 },
    ...{ tgid: 4242 + (i & 1), pid: 4242 + (i & 1), ifindex: 2, netns: 4026532173 },
    ...{ protocol: 0x0800, context: 2, link: 1, comm: 'sender', ifname: 'eth1' },
  };
  for (const { name, type, offset } of EVENT_FIELDS) {
    const value = values[name] ?? 0;
    if (typeof value === 'string') event.set(Buffer.from(value), offset);
    else if (type === 'u64') view.setBigUint64(offset, BigInt(value), true);
    else if (type === 'u32') view.setUint32(offset, Number(value), true);
    else if (type === 'u16') view.setUint16(offset, Number(value), true);
    else view.setUint8(offset, Number(value));
  }
  return event;
}

function fillRing(packetBytes: number): { readonly data: Uint8Array; readonly bytes: number } {
  const step = RECORD_HEADER + ((EVENT_BYTES + packetBytes + 7) & ~7);
  const bytes = EVENTS_IN_RING * step;
  const data = new Uint8Array(2 ** Math.ceil(Math.log2(bytes)));
  const view = new DataView(data.buffer);
  for (let i = 0; i < EVENTS_IN_RING; i++) {
    view.setUint32(i * step, step - RECORD_HEADER, true);
    data.set(makeEvent(packetBytes, i), i * step + RECORD_HEADER);
  }
  return { data, bytes };
}

interface Run {
  readonly ns: number;
  readonly millionsPerSecond: number;
  readonly megabytesPerSecond: number;
}

async function run(
  ring: ReturnType<typeof fillRing>,
  rounds: number,
  path: string,
  makeSink: (stream: OutputStream) => Sink,
): Promise<Run> {
  const { data, bytes } = ring;
  const stream = await openOutput({ path }, { binary: true });
  const sink = makeSink(stream);
  const record = new EventRecord(data, NAMES);
  const consumer = new BigInt64Array(1);
  const producer = new BigInt64Array([BigInt(bytes)]);
  const cpu = process.cpuUsage();
  const started = performance.now();
  for (let round = 0; round < rounds; round++) {
    // The ring is full again.
    consumer[0] = 0n;
    const reader = new RingReader({ consumer, producer, data, size: data.length });
    let count: number;
    do {
      record.refresh();
      count = reader.drain(BATCH, (at, length) => {
        record.moveTo(at, length);
        sink.write(record);
      });
      if (stream.pendingBytes > PENDING_MAX) await stream.drained();
      else await nextTurn();
    } while (count > 0);
  }
  await sink.flush();
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const events = rounds * EVENTS_IN_RING;
  await sink.close([]);
  const megabytes = statSync(path).size / 1e6;
  return {
    ns: ((user + system) * 1000) / events,
    millionsPerSecond: events / seconds / 1e6,
    megabytesPerSecond: megabytes / seconds,
  };
}

const BPF_MAP_TYPE_ARRAY = 2;
const BPF_MAP_TYPE_RINGBUF = 27;
/** As -B has it by default. */
const RING_BYTES = 16 << 20;

/** The kernel fills a ring from the first processor, the reader takes what it has from another. */
async function runBesideProducer(
  packetBytes: number,
  events: number,
  path: string,
  makeSink: (stream: OutputStream) => Sink,
): Promise<Run> {
  const event = makeEvent(packetBytes, 0);
  using held = new Disposer();
  const ringMap = held.add(
    BpfMap.create({
      ...{ name: 'xcap_figures', type: BPF_MAP_TYPE_RINGBUF, keySize: 0, valueSize: 0 },
      ...{ maxEntries: RING_BYTES, flags: 0 },
    }),
  );
  const eventMap = held.add(
    BpfMap.create({
      ...{ name: 'xcap_figures', type: BPF_MAP_TYPE_ARRAY, keySize: 4, valueSize: event.length },
      ...{ maxEntries: 1, flags: 0 },
    }),
  );
  eventMap.update(new Uint8Array(4), event);
  const ring = held.add(new Ring(ringMap));
  const stream = await openOutput({ path }, { binary: true });
  const output = {
    sink: makeSink(stream),
    pendingBytes: () => stream.pendingBytes,
    error: () => stream.error,
    drained: () => stream.drained(),
  };
  let finish = (): void => undefined;
  const finished = new Promise<void>((resolve) => (finish = resolve));
  const options = { count: events, sections: {}, interactive: false };
  const pump = new Pump(ring, NAMES, output, options, finish);
  const producer = spawn(
    'taskset',
    [
      ...['-c', '0', process.execPath, join(import.meta.dirname, 'producer.js')],
      ...[RING_BYTES, event.length, events].map(String),
    ],
    { stdio: ['ignore', 'inherit', 'inherit', ringMap.fd, eventMap.fd] },
  );
  let cpu = process.cpuUsage();
  let started = 0;
  const first = setInterval(() => {
    if (started !== 0 || (pump.written[0] ?? 0) === 0) return;
    started = performance.now();
    cpu = process.cpuUsage();
  }, 1);
  pump.start();
  await finished;
  clearInterval(first);
  await output.sink.flush();
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  await output.sink.close([]);
  if (producer.exitCode === null) {
    await new Promise((resolve) => producer.once('close', resolve));
  }
  return {
    ns: ((user + system) * 1000) / events,
    millionsPerSecond: events / seconds / 1e6,
    megabytesPerSecond: statSync(path).size / 1e6 / seconds,
  };
}

/** What the reader's half costs: by itself, and with the kernel's half beside it. @param events in a run */
export async function measureReader(
  runs: number,
  events: number,
): Promise<readonly ReaderFigure[]> {
  const folder = mkdtempSync('/dev/shm/xcap-reader-');
  const pcapng = (stream: OutputStream): Sink => {
    const hooks = { drop: { description: 'skb:kfree_skb, BTF-typed' } };
    return new PcapngSink(stream, { snaplen: 0, application: 'xcap', hooks, lost: () => 0 });
  };
  const json = (stream: OutputStream): Sink => new JsonSink(stream, { snaplen: 0 });
  const pcap = (stream: OutputStream): Sink => new PcapSink(stream, { snaplen: 0 });
  const cases = [
    ['pcap, 128 bytes', 128, pcap],
    ['pcapng with its comments, 128 bytes', 128, pcapng],
    ['pcapng with its comments, 1,600 bytes', 1600, pcapng],
    ['JSON, 128 bytes', 128, json],
  ] as const;
  try {
    const figures: ReaderFigure[] = [];
    for (const beside of [false, true]) {
      for (const [what, packetBytes, makeSink] of cases) {
        const ring = fillRing(packetBytes);
        const rounds = Math.max(1, Math.round(events / EVENTS_IN_RING));
        const done: Run[] = [];
        const path = join(folder, 'out');
        // The first run is for the compiler of JavaScript.
        for (let i = 0; i <= runs; i++) {
          const one = await (beside
            ? runBesideProducer(packetBytes, events, path, makeSink)
            : run(ring, rounds, path, makeSink));
          rmSync(path);
          if (i > 0) done.push(one);
        }
        figures.push({
          what: beside ? `${what}, while the kernel fills the ring` : what,
          ns: spreadOf(done.map(({ ns }) => ns)),
          millionsPerSecond: spreadOf(done.map((each) => each.millionsPerSecond)),
          megabytesPerSecond: spreadOf(done.map((each) => each.megabytesPerSecond)),
        });
      }
    }
    return figures;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
