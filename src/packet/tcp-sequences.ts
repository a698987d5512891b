/** First sequence numbers of one connection, as seen from its lower-numbered end. */
interface Connection {
  seq: number;
  ack: number;
}

/** What to subtract from the numbers of one segment. */
export interface SequenceBase {
  readonly seq: number;
  readonly ack: number;
  /** Subtracted from the edges of SACK blocks. */
  readonly sack: number;
}

/** A run may see millions of connections; the oldest are forgotten and start over as absolute. */
const DEFAULT_LIMIT = 65_536;

/**
 * The initial sequence numbers of the connections of a run, so that later segments are printed
 * with numbers relative to them. The segment that opens an entry is printed as it is.
 */
export class SequenceTable {
  readonly #connections = new Map<string, Connection>();
  readonly #limit: number;

  constructor(limit = DEFAULT_LIMIT) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#connections.size;
  }

  /** Looks a segment with the ACK flag up, or records it when it is new or carries SYN. */
  base(
    from: { readonly address: string; readonly port: number },
    to: { readonly address: string; readonly port: number },
    segment: { readonly seq: number; readonly ack: number; readonly syn: boolean },
  ): SequenceBase {
    const reverse = from.port > to.port || (from.port === to.port && from.address > to.address);
    const key = reverse
      ? `${to.address} ${to.port} ${from.address} ${from.port}`
      : `${from.address} ${from.port} ${to.address} ${to.port}`;
    const peerSeq = (segment.ack - 1) >>> 0;
    let known = this.#connections.get(key);
    const opens = known === undefined || segment.syn;
    if (opens) {
      known = reverse ? { seq: peerSeq, ack: segment.seq } : { seq: segment.seq, ack: peerSeq };
      this.#connections.set(key, known);
      this.#forgetOldest();
    }
    const own = reverse ? known?.ack : known?.seq;
    const peer = reverse ? known?.seq : known?.ack;
    return { seq: opens ? 0 : (own ?? 0), ack: opens ? 0 : (peer ?? 0), sack: peer ?? 0 };
  }

  #forgetOldest(): void {
    if (this.#connections.size <= this.#limit) return;
    for (const key of this.#connections.keys()) {
      this.#connections.delete(key);
      return;
    }
  }
}
