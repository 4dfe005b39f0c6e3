/** The caps of what is in flight: taken from the log and not settled. */
export interface WindowOptions {
  /** The first bound: bytes of keys, values and headers. */
  readonly maxBytesInFlight: number;
  /** The second bound; wide, because what waits in a lane is cheap, and a narrow window full of one hot key starves all others. */
  readonly maxRecordsInFlight: number;
}

/** What one of several that share the window has of it. */
export interface Holding {
  /** What it may count on: 0 to 1. */
  readonly share: number;
  readonly inFlight: number;
  readonly bytesInFlight: number;
}

const commonPart = 7 / 8;

/**
 * Decides whether the source may take another record. A single record above the byte cap passes when it is alone.
 * Holds counters only.
 */
export class Window {
  readonly #options: WindowOptions;
  readonly #holds = new Map<string, number>();
  #share = 1;
  #whyShrunk = '';
  #records = 0;
  #bytes = 0;

  constructor(options: WindowOptions) {
    this.#options = options;
  }

  get records(): number {
    return this.#records;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Why nothing may be taken now; undefined when `bytes` more may. */
  closedBy(bytes: number, nowMs: number): string | undefined {
    if (this.#share < 1) {
      if (this.#isOver(bytes, this.#share)) return this.#whyShrunk;
    } else if (this.#isOver(bytes, 1)) return this.#records >= this.#options.maxRecordsInFlight ? 'records in flight' : 'bytes in flight';
    for (const [reason, untilMs] of this.#holds) if (untilMs > nowMs) return reason;
    return undefined;
  }

  #isOver(bytes: number, share: number): boolean {
    if (share <= 0) return true;
    const { maxRecordsInFlight, maxBytesInFlight } = this.#options;
    return this.#records >= maxRecordsInFlight * share || (this.#records > 0 && this.#bytes + bytes > maxBytesInFlight * share);
  }

  /**
   * Whether one that holds so much is to wait for the sake of others: the last eighth is for those that hold less than their share of
   * the whole, so that what comes of a backlog, or of a hot key, cannot fill the window.
   */
  isKeptFrom({ share, inFlight, bytesInFlight }: Holding): boolean {
    const { maxRecordsInFlight, maxBytesInFlight } = this.#options;
    const [records, bytes] = [maxRecordsInFlight * this.#share, maxBytesInFlight * this.#share];
    if (this.#records < records * commonPart && this.#bytes < bytes * commonPart) return false;
    return inFlight >= records * share || bytesInFlight >= bytes * share;
  }

  /** Of its caps, what may be used at present: 0 to 1. */
  get share(): number {
    return this.#share;
  }

  /** From now on only this share of the caps may be used, for this reason; at 0 nothing is taken. */
  shrink(share: number, reason: string): void {
    this.#share = share;
    this.#whyShrunk = reason;
  }

  /** Whether there may be holds: cheap enough to ask for every record. */
  get isHeld(): boolean {
    return this.#holds.size > 0;
  }

  /** Why the source is held, and until when; expired holds are forgotten. */
  holds(nowMs: number): readonly { readonly reason: string; readonly untilMs: number }[] {
    for (const [reason, untilMs] of this.#holds) if (untilMs <= nowMs) this.#holds.delete(reason);
    return [...this.#holds].map(([reason, untilMs]) => ({ reason, untilMs }));
  }

  /** A policy asks the source to wait; a later time for the same reason wins. */
  hold(reason: string, untilMs: number): void {
    this.#holds.set(reason, Math.max(untilMs, this.#holds.get(reason) ?? 0));
  }

  take(bytes: number): void {
    this.#records += 1;
    this.#bytes += bytes;
  }

  release(bytes: number): void {
    this.#records -= 1;
    this.#bytes -= bytes;
  }
}
