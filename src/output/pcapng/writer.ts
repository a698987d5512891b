import { dataLength, timeHigh, timeLow } from '../../records/record.ts';
import type { CommonFields, LinkType, PacketRecord, VerdictCode } from '../../records/record.ts';
import { escapeText } from '../../util/escape.ts';
import { Batch } from '../batch.ts';
import { formatComment, quoteValue } from '../comment.ts';
import { LinkAdapter } from '../link-adapter.ts';
import { copyPacket, SNAPLEN_MAX } from '../packet-copy.ts';
import type { ByteStream, HookStats, Sink } from '../sink.ts';
import {
  BLOCK,
  encodeOptions,
  interfaceDescriptionBlock,
  interfaceStatisticsBlock,
  LINKTYPE,
  OPTION,
  padding,
  sectionHeaderBlock,
  VERDICT_BY,
} from './blocks.ts';
import type { OptionValues } from './blocks.ts';
import { packetFlags } from './flags.ts';
import type { HookDirection } from './flags.ts';

export interface HookText {
  /** Where the hook is attached, in words: `tracepoint skb:kfree_skb, BTF-typed`. */
  readonly description: string;
  /** The way of every packet of this hook, when it has only one. */
  readonly direction?: HookDirection | undefined;
}

export interface PcapngOptions {
  /** Bytes kept of a packet; 0 means 262144. */
  readonly snaplen: number;
  /** `raw` when the run has network-layer packets only. */
  readonly linkType?: LinkType | undefined;
  /** The filter expression as the user gave it. */
  readonly expression?: string | undefined;
  /** `xcap 1.2.3` */
  readonly application: string;
  /** `Linux 6.1.0` */
  readonly os?: string | undefined;
  readonly hardware?: string | undefined;
  /** By hook name. */
  readonly hooks?: Readonly<Record<string, HookText>> | undefined;
  /**
   * One interface for each hook, named as the hook is and declared at the start, whatever devices its
   * packets are at; `comment` is that of them all.
   */
  readonly interfacePerHook?: { readonly comment: string } | undefined;
  /**
   * Events of a hook lost so far, from the start of the run. Called once per packet: keep it
   * cheap. Cumulative, so that two sinks can ask.
   */
  readonly lost?: ((hook: string) => number) | undefined;
  /** `-U`: hand on each packet as it comes. */
  readonly packetBuffered?: boolean | undefined;
  /** Nanoseconds since the Unix epoch. */
  readonly clock?: (() => bigint) | undefined;
}

interface Hook {
  readonly name: string;
  readonly direction: HookDirection | undefined;
  /** Of the hook's lost events, those that some packet's epb_dropcount has told of. */
  lostTold: number;
  readonly interfaces: Interface[];
  /** The same by namespace: a host can have thousands, each with few devices. */
  readonly byNetns: Map<number | undefined, Interface[]>;
}

interface Interface {
  readonly id: number;
  readonly hook: Hook;
  readonly device: string | undefined;
  readonly netns: number | undefined;
  readonly linkType: LinkType;
  written: number;
}

const EPB_FIXED_BYTES = 28;
/** epb_dropcount, epb_packetid, epb_queue and epb_verdict, the options of one packet. */
const EPB_OWN_BYTES = 12 + 12 + 8 + 16;

/** What many packets have in common. */
interface Prepared {
  readonly common: CommonFields | undefined;
  readonly target: Interface;
  /** Encoded: the comment, epb_flags where known, the end of options. */
  readonly options: Uint8Array;
}

/** Of more hooks than these, those that saw nothing are not in the file: a thousand interfaces hide the one that did. */
const SILENT_HOOKS_TOLD = 16;

/** So many different ones are kept. */
const PREPARED_LIMIT = 4096;

/**
 * Writes pcapng as docs/record-format.md describes it. The section header goes out at once, so
 * that a reader on a pipe can begin.
 */
export class PcapngSink implements Sink {
  readonly #stream: ByteStream;
  readonly #options: PcapngOptions;
  readonly #snaplen: number;
  readonly #link: LinkAdapter;
  readonly #fileLink: LinkType;
  readonly #batch: Batch;
  readonly #clock: () => bigint;
  readonly #startNs: bigint;
  readonly #hooks = new Map<string, Hook>();
  #interfaces = 0;
  /** The interface of the packet before: most packets have the same one. */
  #last: Interface | undefined;
  readonly #prepared = new Map<CommonFields, Prepared>();
  #lastPrepared: Prepared | undefined;

  constructor(stream: ByteStream, options: PcapngOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#snaplen = options.snaplen === 0 ? SNAPLEN_MAX : Math.min(options.snaplen, SNAPLEN_MAX);
    this.#fileLink = options.linkType ?? 'ethernet';
    this.#link = new LinkAdapter(this.#fileLink);
    this.#batch = new Batch(stream, options.packetBuffered === true ? 0 : undefined);
    this.#clock = options.clock ?? (() => BigInt(Date.now()) * 1_000_000n);
    this.#startNs = this.#clock();
    stream.write(sectionHeaderBlock(options));
    if (options.interfacePerHook === undefined) return;
    for (const name of Object.keys(options.hooks ?? {})) this.#declareAll(this.#hookOf(name));
    this.#batch.handOver();
  }

  /** Packets without a link header that got a zeroed one. */
  get zeroedLinkHeaders(): number {
    return this.#link.zeroedHeaders;
  }

  /** Packets left out: not IP, in a file that holds network-layer packets only. */
  get unfitPackets(): number {
    return this.#link.unfit;
  }

  write(record: PacketRecord): void {
    const link = this.#link;
    if (!link.adapt(record)) return;
    const { target, options } = this.#prepare(record);
    target.written += 1;

    const batch = this.#batch;
    const most = Math.min(dataLength(record) + link.prepend, this.#snaplen);
    batch.reserve(EPB_FIXED_BYTES + most + 3 + EPB_OWN_BYTES + options.length + 4);
    const { view, bytes } = batch;
    const start = batch.length;
    const captured = copyPacket(record, link, this.#snaplen, batch, start + EPB_FIXED_BYTES);
    const onWire = Math.max(record.wireLength - link.skip + link.prepend, captured);
    view.setUint32(start, BLOCK.enhancedPacket, true);
    view.setUint32(start + 8, target.id, true);
    view.setUint32(start + 12, timeHigh(record), true);
    view.setUint32(start + 16, timeLow(record), true);
    view.setUint32(start + 20, captured, true);
    view.setUint32(start + 24, onWire, true);

    let at = start + EPB_FIXED_BYTES + captured;
    for (let pad = padding(captured); pad > 0; pad -= 1) bytes[at++] = 0;

    const lost = this.#newlyLost(target.hook);
    if (lost !== 0) at = this.#putLong(at, OPTION.epb_dropcount.code, BigInt(lost));
    if (record.packetId !== undefined) {
      at = this.#putLong(at, OPTION.epb_packetid.code, record.packetId);
    }
    at = this.#putWord(at, OPTION.epb_queue.code, record.queue);
    if (record.verdictCode !== undefined) at = this.#putVerdict(at, record.verdictCode);
    bytes.set(options, at);
    at += options.length;

    const total = at + 4 - start;
    view.setUint32(start + 4, total, true);
    view.setUint32(at, total, true);
    batch.commit(at + 4);
  }

  /** Once for all packets that differ in nothing but themselves. */
  #prepare(record: PacketRecord): Prepared {
    const { common } = record;
    const last = this.#lastPrepared;
    if (last !== undefined && last.common === common) return last;
    const known = common === undefined ? undefined : this.#prepared.get(common);
    if (known !== undefined) return (this.#lastPrepared = known);
    const target = this.#interfaceOf(record);
    const flags = packetFlags(record.packetType, target.hook.direction);
    const prepared = {
      common,
      target,
      options: encodeOptions({
        epb_flags: flags === 0 ? undefined : flags,
        opt_comment: formatComment(record, this.#link.prepend === 0 ? undefined : 'none'),
      }),
    };
    if (common !== undefined) {
      if (this.#prepared.size >= PREPARED_LIMIT) this.#prepared.clear();
      this.#prepared.set(common, prepared);
      this.#lastPrepared = prepared;
    }
    return prepared;
  }

  flush(): Promise<void> {
    this.#batch.handOver();
    return this.#stream.drained();
  }

  async close(stats: readonly HookStats[]): Promise<void> {
    const endNs = this.#clock();
    for (const stat of stats) {
      const hook = this.#hookOf(stat.hook);
      // Says what was seen at a hook without packets; and libpcap wants one interface per file.
      const silent = stats.length > SILENT_HOOKS_TOLD && stat.seen + stat.missed === 0;
      if (hook.interfaces.length === 0 && !(silent && this.#interfaces > 0)) {
        this.#declare(hook, 'any', undefined, undefined);
      }
      const [only] = hook.interfaces.length === 1 ? hook.interfaces : [];
      for (const target of hook.interfaces) {
        // A hook's counts are the interface's own only where it is the hook's only one.
        const counts = only === undefined ? {} : wholeHookCounts(stat);
        this.#append(
          interfaceStatisticsBlock(target.id, endNs, {
            opt_comment: statsComment(stat),
            isb_starttime: this.#startNs,
            isb_endtime: endNs,
            ...counts,
            isb_usrdeliv: target.written,
          }),
        );
      }
    }
    this.#batch.handOver();
    await this.#stream.end();
  }

  #putWord(at: number, code: number, value: number): number {
    const { view } = this.#batch;
    view.setUint16(at, code, true);
    view.setUint16(at + 2, 4, true);
    view.setUint32(at + 4, value, true);
    return at + 8;
  }

  #putLong(at: number, code: number, value: bigint): number {
    const { view } = this.#batch;
    view.setUint16(at, code, true);
    view.setUint16(at + 2, 8, true);
    view.setBigUint64(at + 4, value, true);
    return at + 12;
  }

  #putVerdict(at: number, { by, value }: VerdictCode): number {
    const { view } = this.#batch;
    view.setUint16(at, OPTION.epb_verdict.code, true);
    view.setUint16(at + 2, 9, true);
    view.setUint8(at + 4, VERDICT_BY[by]);
    view.setBigInt64(at + 5, BigInt(value), true);
    view.setUint16(at + 13, 0, true);
    view.setUint8(at + 15, 0);
    return at + 16;
  }

  #newlyLost(hook: Hook): number {
    const total = this.#options.lost?.(hook.name) ?? 0;
    const lost = Math.max(total - hook.lostTold, 0);
    hook.lostTold += lost;
    return lost;
  }

  #append(block: Uint8Array): void {
    this.#batch.reserve(block.length);
    this.#batch.bytes.set(block, this.#batch.length);
    this.#batch.commit(this.#batch.length + block.length);
  }

  #interfaceOf(record: PacketRecord): Interface {
    const last = this.#last;
    if (last !== undefined && last.hook.name === record.hook && isInterfaceOf(last, record)) {
      return last;
    }
    const hook = this.#hookOf(record.hook);
    if (this.#options.interfacePerHook !== undefined) return this.#declareAll(hook);
    const known = hook.byNetns.get(record.netns)?.find((other) => isInterfaceOf(other, record));
    this.#last =
      known ?? this.#declare(hook, record.iface, record.netns, record.netnsName, record.linkType);
    return this.#last;
  }

  #hookOf(name: string): Hook {
    let hook = this.#hooks.get(name);
    if (hook === undefined) {
      const direction = this.#options.hooks?.[name]?.direction;
      hook = { name, direction, lostTold: 0, interfaces: [], byNetns: new Map() };
      this.#hooks.set(name, hook);
    }
    return hook;
  }

  /** The one interface of the hook. */
  #declareAll(hook: Hook): Interface {
    return hook.interfaces[0] ?? this.#declare(hook, undefined, undefined, undefined);
  }

  #declare(
    hook: Hook,
    device: string | undefined,
    netns: number | undefined,
    netnsName: string | undefined,
    linkType: LinkType = this.#fileLink,
  ): Interface {
    const declared = { id: this.#interfaces, hook, device, netns, linkType, written: 0 };
    this.#interfaces += 1;
    hook.interfaces.push(declared);
    const siblings = hook.byNetns.get(netns);
    if (siblings === undefined) hook.byNetns.set(netns, [declared]);
    else siblings.push(declared);
    this.#append(
      interfaceDescriptionBlock({
        linkType: LINKTYPE[this.#fileLink],
        snaplen: this.#snaplen,
        name:
          this.#options.interfacePerHook === undefined
            ? interfaceName(hook.name, device, netnsName ?? netns)
            : escapeText(hook.name),
        description: this.#options.hooks?.[hook.name]?.description,
        filter: this.#options.expression,
        comment: this.#options.interfacePerHook?.comment,
      }),
    );
    return declared;
  }
}

function isInterfaceOf(candidate: Interface, record: PacketRecord): boolean {
  return (
    candidate.device === record.iface &&
    candidate.netns === record.netns &&
    candidate.linkType === record.linkType
  );
}

function interfaceName(
  hook: string,
  device: string | undefined,
  netns: string | number | undefined,
): string {
  const at = netns === undefined ? '' : `@${escapeText(String(netns))}`;
  return `${escapeText(device ?? '?')}${at}/${escapeText(hook)}`;
}

/** Section 4.6 of the draft: what came, what the filter let through, what the system lost. */
function wholeHookCounts(stat: HookStats): OptionValues {
  return {
    isb_ifrecv: stat.seen + stat.missed,
    isb_ifdrop: stat.missed,
    isb_filteraccept: stat.matched,
    isb_osdrop: stat.lost,
  };
}

/** The counts of the whole hook, whichever device the events were at. */
function statsComment(stat: HookStats): string {
  let words = `hook=${quoteValue(stat.hook)} seen=${stat.seen}`;
  if (stat.skipped > 0) words += ` skipped=${stat.skipped}`;
  for (const [filter, count] of Object.entries(stat.rejected)) {
    words += ` rejected_${filter.replaceAll(/[^a-z]+/g, '_')}=${count}`;
  }
  const { matched, sampledOut, written, lost, left, missed } = stat;
  const sampled = sampledOut > 0 ? ` sampled_out=${sampledOut}` : '';
  return `${words} matched=${matched}${sampled} written=${written} lost=${lost} left=${left} missed=${missed}`;
}
