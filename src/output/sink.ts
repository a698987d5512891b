import type { PacketRecord } from '../records/record.ts';

/** One output of a run. Sinks are handed a ByteStream, they never open files or stdout. */
export interface Sink {
  /** Formats one record into the stream; must copy what it keeps of `record.data`. */
  write(record: PacketRecord): void;
  /** Hands everything formatted so far to the operating system. */
  flush(): Promise<void>;
  /** Writes trailers (pcapng interface statistics), flushes and closes the stream. */
  close(stats: readonly HookStats[]): Promise<void>;
}

/** Final counts of one hook; see README, "Counters", for the sums that hold. */
export interface HookStats {
  readonly hook: string;
  readonly seen: number;
  /** Not looked at: --max-overhead. */
  readonly skipped: number;
  /** Count per filter that rejected: `netns`, `filter`, ... Only non-zero ones. */
  readonly rejected: Readonly<Record<string, number>>;
  readonly matched: number;
  /** Matched, and left out by --sample. */
  readonly sampledOut: number;
  readonly written: number;
  readonly lost: number;
  readonly left: number;
  readonly missed: number;
  /** Matched at the entry of a function that has not returned yet, or whose return was not seen. */
  readonly unreturned: number;
}

/**
 * Bytes on their way to a file, pipe, terminal or socket. write() never blocks: it takes the bytes
 * (copied before it returns) and reports back-pressure by `pendingBytes`.
 */
export interface ByteStream {
  write(bytes: Uint8Array): void;
  readonly pendingBytes: number;
  /** Set once the stream has failed; EPIPE means that the reader went away. */
  readonly error: (Error & { code?: string }) | undefined;
  /** Resolves when everything written so far is with the operating system, or the stream failed. */
  drained(): Promise<void>;
  end(): Promise<void>;
}
