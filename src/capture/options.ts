import type { TopDimension } from '../abi/top.ts';
import type { RawProgram } from '../filter/cbpf.ts';
import type { FunctionBackend } from '../hooks/spec.ts';
import type { Logger } from '../log.ts';
import type { UserC } from '../user-c/user-c.ts';

/** What the command line asks of a capture: plain data, checked for form, not yet against a kernel. */
export interface CaptureOptions {
  /** Hook names as given, commas split, doubles removed; `drop` when none was given. */
  readonly hooks: readonly string[];
  /** --backend: how functions named without a prefix are hooked. */
  readonly backend: FunctionBackend | undefined;
  /** --exclude: patterns of functions that no pattern of --hook stands for. */
  readonly exclude: readonly string[];
  /** --max-hooks. */
  readonly maxHooks: number | undefined;
  /** --load-pass: XDP hooks of a device without a program give it one. */
  readonly loadPass: boolean;
  /** --actions: of hook maps, by number; undefined: all. */
  readonly xdpActions: readonly number[] | undefined;
  /** --partial: go on without the hooks that cannot be had. */
  readonly partial: boolean;
  /** --rule: which rule a packet fell to. */
  readonly rule: boolean;
  /** The filter expression; empty matches every packet. */
  readonly expression: string;
  /** What filters instead of the expression, which then only says what was asked for. */
  readonly program?: RawProgram | undefined;
  /** --inner: for the packet inside a tunnel packet; empty: there has to be one. */
  readonly inner: string | undefined;
  /** --filter-c and --action-c, read. */
  readonly userC: UserC;
  /** False with -O: libpcap's optimiser off. */
  readonly optimize: boolean;
  /** -i as given: `eth0`, `eth0@blue`; a number of -D is already its name; `any` is undefined. */
  readonly interface: string | undefined;
  /** In the order given. Same key: any of the plain ones, and none of the negated ones. */
  readonly metadata: readonly MetadataFilter[];
  /** --who, and what other options ask for with it. */
  readonly who: WhoOptions;
  /** --where: all of them must hold. */
  readonly where: readonly string[];
  /** Capture file of -w, `-` for standard output; also `-` for --format pcap or pcapng alone. */
  readonly write: string | undefined;
  /** --format, or `json` for --json, as given. */
  readonly format: OutputFormat | undefined;
  /** --print: text on standard output although -w is given. */
  readonly print: boolean;
  /** What `write`, `format` and `print` come to; never two on standard output. */
  readonly outputs: readonly OutputRequest[];
  /** -c: end after so many packets. */
  readonly count: number | undefined;
  readonly snaplen: number;
  /** A power of two, at least 4. */
  readonly ringKiB: number;
  readonly durationNs: bigint | undefined;
  /** --sample 1/N: one in N of the events that match. */
  readonly sample: number | undefined;
  /** --track: what matched once is followed, whatever becomes of it. */
  readonly track: boolean;
  /** --gather: text and JSON are of packets, not of events; `track` is on then. */
  readonly gather: GatherRun | undefined;
  /** --stack: events have the kernel stack that they come from. */
  readonly stack: boolean;
  /** --max-overhead: share of the host's CPU time, 0.02 for 2%. */
  readonly maxOverhead: number | undefined;
  /** -y, in capitals, as libpcap spells it: `EN10MB`, `RAW`. */
  readonly linkTypeOverride: string | undefined;
  readonly text: TextOptions;
  /** --dry-run: print the C and load nothing. */
  readonly dryRun: boolean;
  /** How often -d was given, 3 at most; the command line serves it without a capture. */
  readonly dumpFilter: 0 | 1 | 2 | 3;
  readonly readyFile: string | undefined;
  /** Where compiled programs are kept; undefined: nowhere. */
  readonly cache: CacheOptions | undefined;
  /** `xcap xdpcap`: files and counts are those of xdpcap. */
  readonly xdpcap?: XdpcapRun;
  /** `xcap top`: events are counted, not sent. */
  readonly top?: TopRun;
  /** `-- COMMAND`: what is run and traced. */
  readonly command?: CommandOptions | undefined;
  /** Kernel features to be taken as absent: --without-feature, for tests of fallbacks. */
  readonly withoutFeature: readonly string[];
}

/** What events tell of whose packet it is. */
export interface WhoOptions {
  /** The process that has the socket. */
  readonly owner: boolean;
  readonly cgroup: boolean;
  /** --follow: processes that come of those of --pid count as these. */
  readonly follow: boolean;
}

export interface CommandOptions {
  readonly words: readonly string[];
  /** The process's, and then the command's. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface CacheOptions {
  readonly directory: string;
  /** The process's: some of it has a say in what the compiler makes. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Each action of the hook map is a hook and an interface of its own, and counts are one line. */
export interface XdpcapRun {
  /** That line every second, and at the end. */
  readonly counts: boolean;
}

export interface GatherRun {
  /** --gather-wait: how long a packet is waited for. */
  readonly waitMs: number | undefined;
}

export interface TopRun {
  /** What makes a row, each once, in the order of the columns; undefined: what fits the hooks. */
  readonly by: readonly TopDimension[] | undefined;
  readonly intervalMs: number;
  /** Rows that are told apart; undefined: as many as memory for this machine's CPUs allows. */
  readonly maxRows: number | undefined;
  /** Standard output is a terminal that a table can be redrawn on. */
  readonly live: boolean;
}

export type OutputFormat = 'text' | 'json' | 'pcapng' | 'pcap';

/** `path` is undefined for standard output. */
export interface OutputRequest {
  readonly format: OutputFormat;
  readonly path: string | undefined;
}

/** One --pid, --comm, ...; names of `netns` and `reason` are resolved against the kernel later. */
export type MetadataFilter =
  | { readonly key: 'pid' | 'tid' | 'uid'; readonly negate: boolean; readonly value: number }
  | {
      readonly key: 'mark';
      readonly negate: boolean;
      readonly value: number;
      /** All ones unless given; `value` has no bit outside it. */
      readonly mask: number;
    }
  | {
      readonly key: 'comm' | 'netns' | 'reason' | 'ifname' | 'cgroup' | 'container';
      readonly negate: boolean;
      readonly value: string;
    };

/** -t: none, epoch (-tt), since the previous line (-ttt), with the date (-tttt), since the first. */
export type TimeMode = 'time' | 'none' | 'epoch' | 'delta' | 'date' | 'elapsed';

/** As tcpdump's letters; doubled ones show the link header too. */
export type HexMode = 'none' | 'x' | 'xx' | 'X' | 'XX' | 'A' | 'AA';

export interface TextOptions {
  readonly time: TimeMode;
  /** Wall clock in UTC instead of local time. */
  readonly utc: boolean;
  /** -e: the link-layer header on each line. */
  readonly linkHeader: boolean;
  /** How often -v was given. */
  readonly verbose: number;
  readonly quiet: boolean;
  readonly hex: HexMode;
  /** -S: TCP sequence numbers as they are on the wire. */
  readonly absoluteSequence: boolean;
  /** -l: each line reaches standard output at once. */
  readonly lineBuffered: boolean;
  /** -U: each packet reaches the output at once, the file of -w included. */
  readonly packetBuffered: boolean;
  /** NO_COLOR and TERM=dumb have made `auto` into `never`. */
  readonly color: 'auto' | 'always' | 'never';
}

/** The process around a capture. */
export interface CaptureIo {
  /** Aborts at SIGINT, SIGTERM and SIGHUP: stop, drain, close. May be aborted from the start. */
  readonly abort: AbortSignal;
  /** Told when every hook is attached. */
  readonly ready?: (() => void) | undefined;
  /** Calls back at each SIGUSR1, until the function that it returns is called. */
  readonly onSummaryRequest: (listener: () => void) => () => void;
  /** Standard error. */
  readonly log: Logger;
  readonly stdout: StandardOutput;
}

export interface StandardOutput {
  readonly fd: number;
  readonly isTerminal: boolean;
  /** Of a terminal, now: it can change. */
  readonly size?: () => { readonly columns: number; readonly rows: number } | undefined;
  /** Writes at once and in full, for what is no packet (--dry-run); throws EPIPE. */
  print(text: string): void;
}
