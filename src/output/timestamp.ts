/** tcpdump's time formats: none given, -t, -tt, -ttt, -tttt, -ttttt. */
export type TimestampStyle = 'time' | 'none' | 'epoch' | 'delta' | 'date' | 'elapsed';

export interface TimestampOptions {
  readonly style: TimestampStyle;
  /** UTC instead of the local time zone. */
  readonly utc: boolean;
}

const SECOND = 1_000_000_000n;

/**
 * Formats event times, with the blank that separates them from what follows; `none` gives nothing.
 *
 * The text of a second is kept until an event of another second comes: a trace has thousands of
 * events in each. Every second is asked of the time zone anew, so a DST change needs no care.
 */
export class TimestampFormatter {
  readonly #options: TimestampOptions;
  /** First nanosecond of the second that `#prefix` is the text of. */
  #base = -SECOND;
  #prefix = '';
  #reference: bigint | undefined;

  constructor(options: TimestampOptions) {
    this.#options = options;
  }

  /** @param timeNs nanoseconds since the Unix epoch */
  format(timeNs: bigint): string {
    switch (this.#options.style) {
      case 'none':
        return '';
      case 'delta':
      case 'elapsed':
        return this.#formatDifference(timeNs);
      case 'time':
      case 'date':
      case 'epoch': {
        let fraction = Number(timeNs - this.#base);
        if (fraction < 0 || fraction >= 1e9) fraction = this.#enterSecond(timeNs);
        return `${this.#prefix}${nineDigits(fraction)} `;
      }
    }
  }

  /** Makes the second of `timeNs` the current one; returns the nanoseconds into it. */
  #enterSecond(timeNs: bigint): number {
    // Rounded down, also before 1970.
    const fraction = ((timeNs % SECOND) + SECOND) % SECOND;
    this.#base = timeNs - fraction;
    this.#prefix = `${this.#secondText(Number(this.#base / SECOND))}.`;
    return Number(fraction);
  }

  #secondText(seconds: number): string {
    const { style, utc } = this.#options;
    if (style === 'epoch') return String(seconds);
    const date = new Date(seconds * 1000);
    // Shifted by the zone's offset at that moment, the UTC fields read as local time.
    const local = utc ? date : new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
    const text = local.toISOString();
    return style === 'date' ? `${text.slice(0, 10)} ${text.slice(11, 19)}` : text.slice(11, 19);
  }

  /** Events of different CPUs come slightly out of order: a difference may be negative. */
  #formatDifference(timeNs: bigint): string {
    const reference = this.#reference ?? timeNs;
    if (this.#reference === undefined || this.#options.style === 'delta') this.#reference = timeNs;
    const difference = timeNs - reference;
    const magnitude = difference < 0n ? -difference : difference;
    const seconds = Number(magnitude / SECOND);
    const clock =
      `${twoDigits(Math.floor(seconds / 3600))}:${twoDigits(Math.floor(seconds / 60) % 60)}` +
      `:${twoDigits(seconds % 60)}`;
    return `${difference < 0n ? '-' : ' '}${clock}.${nineDigits(Number(magnitude % SECOND))} `;
  }
}

function twoDigits(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}

function nineDigits(value: number): string {
  return String(1_000_000_000 + value).slice(1);
}
