import type { GatherSink } from '../output/gather/sink.ts';
import type { PcapSink } from '../output/pcap.ts';
import type { PcapngSink } from '../output/pcapng/writer.ts';
import type { HookStats, Sink } from '../output/sink.ts';
import { openOutput, STDOUT, type OutputStream } from '../output/stream.ts';
import { TeeSink } from '../output/tee.ts';
import { packageVersion } from '../util/package.ts';
import type { CaptureIo, CaptureOptions, OutputFormat, OutputRequest } from './options.ts';
import { ENDS, type CapturePlan } from './plan.ts';
import type { PumpOutput } from './pump.ts';

type FileSink = PcapSink | PcapngSink;

const isFile = (sink: Sink): sink is FileSink => 'zeroedLinkHeaders' in sink;

/** The outputs of a run as one sink. */
export class Outputs implements PumpOutput {
  readonly sink: Sink;
  readonly #streams: readonly OutputStream[];
  readonly #files: readonly FileSink[];
  readonly #sinks: readonly (Sink | GatherSink)[];

  private constructor(streams: readonly OutputStream[], sinks: readonly Sink[]) {
    this.#streams = streams;
    this.#files = sinks.filter(isFile);
    this.#sinks = sinks;
    const [only] = sinks.length === 1 ? sinks : [];
    this.sink = only ?? new TeeSink(sinks);
  }

  /**
   * Opens every output before anything is attached.
   *
   * @param lost events lost so far at a hook, cheap to ask
   * @throws OutputError, UsageError; what was opened is closed again
   */
  static async open(
    options: CaptureOptions,
    plan: CapturePlan,
    io: CaptureIo,
    lost: (hook: string) => number,
  ): Promise<Outputs> {
    const streams: OutputStream[] = [];
    const sinks: Sink[] = [];
    try {
      for (const request of options.outputs) streams.push(await open(request, io));
      for (const [i, stream] of streams.entries()) {
        const format = options.outputs[i]?.format ?? 'text';
        sinks.push(await makeSink(format, stream, options, plan, io, lost));
      }
    } catch (error) {
      for (const stream of streams) stream.abandon();
      throw error;
    }
    return new Outputs(streams, sinks);
  }

  pendingBytes(): number {
    return this.#streams.reduce((sum, stream) => sum + stream.pendingBytes, 0);
  }

  error(): OutputStream['error'] {
    return this.#streams.find((stream) => stream.error !== undefined)?.error;
  }

  async drained(): Promise<void> {
    await Promise.all(this.#streams.map((stream) => stream.drained()));
  }

  /** What the summary says of the outputs. */
  notes(): readonly string[] {
    const zeroed = Math.max(0, ...this.#files.map((file) => file.zeroedLinkHeaders));
    const left = Math.max(
      0,
      ...this.#files.map((file) => ('withoutPacket' in file ? file.withoutPacket : 0)),
    );
    const gathered = this.#sinks.flatMap((sink) => ('notes' in sink ? sink.notes() : []));
    const undelivered = this.#streams.filter(
      (stream) => stream.undeliveredBytes > 0 && stream.error?.code !== 'EPIPE',
    );
    return [
      ...(zeroed > 0 ? [`${zeroed} written with a zeroed link header: they had none`] : []),
      ...(left > 0 ? [`${left} events of sockets not in the file: pcap has packets only`] : []),
      ...gathered,
      ...undelivered.map(
        (stream) => `${stream.name}: ${stream.undeliveredBytes} bytes could not be delivered`,
      ),
    ];
  }

  async close(stats: readonly HookStats[]): Promise<void> {
    await this.sink.close(stats);
  }

  /** Closes at once, whatever is pending; does nothing after close(). */
  abandon(): void {
    for (const stream of this.#streams) stream.abandon();
  }
}

async function open({ format, path }: OutputRequest, io: CaptureIo): Promise<OutputStream> {
  const target = path === undefined ? { ...STDOUT, fd: io.stdout.fd } : { path };
  return openOutput(target, {
    binary: format === 'pcap' || format === 'pcapng',
    wholeLength: await wholeLength(format),
    signal: io.abort,
  });
}

/** Where a partial write is cut back to, so that a file ends with a whole block. */
async function wholeLength(
  format: OutputFormat,
): Promise<((bytes: Uint8Array) => number) | undefined> {
  switch (format) {
    case 'text':
      return undefined;
    case 'json':
      return (await import('../output/json.ts')).wholeLinesLength;
    case 'pcap':
      return (await import('../output/pcap.ts')).wholeRecordsLength;
    case 'pcapng':
      return (await import('../output/pcapng/blocks.ts')).wholeBlocksLength;
  }
}

/** Only what writes this form is loaded: that of text can tell some forty protocols apart. */
async function makeSink(
  format: OutputFormat,
  stream: OutputStream,
  options: CaptureOptions,
  plan: CapturePlan,
  io: CaptureIo,
  lost: (hook: string) => number,
): Promise<Sink> {
  const { snaplen, text } = options;
  const packetBuffered = text.packetBuffered;
  if (options.gather !== undefined && (format === 'text' || format === 'json')) {
    return makeGatherSink(format, stream, options, plan);
  }
  switch (format) {
    case 'json': {
      const { JsonSink } = await import('../output/json.ts');
      return new JsonSink(stream, { snaplen, packetBuffered: packetBuffered || text.lineBuffered });
    }
    case 'pcap': {
      const { PcapSink } = await import('../output/pcap.ts');
      return new PcapSink(stream, { snaplen, packetBuffered });
    }
    case 'pcapng': {
      const { PcapngSink } = await import('../output/pcapng/writer.ts');
      const directions = new Map(plan.hooks.map(({ id, direction }) => [id, direction]));
      return new PcapngSink(stream, {
        snaplen,
        packetBuffered,
        linkType: plan.fileLinkType,
        interfacePerHook: options.xdpcap === undefined ? undefined : { comment: 'XDP action' },
        expression: options.expression === '' ? undefined : options.expression,
        application: `xcap ${packageVersion()}`,
        os: `Linux ${plan.kernelRelease}`,
        hooks: Object.fromEntries(
          plan.names.hooks.map((hook, i) => [
            hook,
            {
              description: plan.names.attachPoints[i] ?? '',
              direction: directions.get(hook),
            },
          ]),
        ),
        lost,
      });
    }
    case 'text': {
      const { TextSink } = await import('../output/text.ts');
      return new TextSink(stream, {
        time: text.time,
        utc: text.utc,
        link: text.linkHeader,
        verbose: text.verbose,
        quiet: text.quiet,
        ids: options.track,
        absoluteSequence: text.absoluteSequence,
        hex: text.hex === 'none' ? undefined : text.hex,
        color: useColor(text.color, io) ? 'always' : 'never',
        lineBuffered: text.lineBuffered || packetBuffered,
      });
    }
  }
}

/** A block for each packet. */
async function makeGatherSink(
  format: 'text' | 'json',
  stream: OutputStream,
  { gather, text }: CaptureOptions,
  plan: CapturePlan,
): Promise<Sink> {
  const { GatherSink } = await import('../output/gather/sink.ts');
  const { GATHER_LIMITS } = await import('../output/gather/gatherer.ts');
  const waitMs = gather?.waitMs ?? GATHER_LIMITS.waitMs;
  const common = { asked: plan.asked, ends: ENDS, limits: { ...GATHER_LIMITS, waitMs } };
  if (format === 'json') {
    const { gatheredJson } = await import('../output/gather/json.ts');
    return new GatherSink(stream, { ...common, format: gatheredJson });
  }
  const { gatheredText } = await import('../output/gather/text.ts');
  const { TimestampFormatter } = await import('../output/timestamp.ts');
  const time = new TimestampFormatter({ style: text.time, utc: text.utc });
  return new GatherSink(stream, { ...common, format: (packet) => gatheredText(packet, time) });
}

function useColor(wish: 'auto' | 'always' | 'never', io: CaptureIo): boolean {
  return wish === 'always' || (wish === 'auto' && io.stdout.isTerminal);
}
