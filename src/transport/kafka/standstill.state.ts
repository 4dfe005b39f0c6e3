/** A fetch that brought nothing of a partition, although it goes on. */
export interface Sight {
  /** What was asked for. */
  readonly offset: bigint;
  /** Where reads end; undefined when the broker does not say. */
  readonly end: bigint | undefined;
  /** The broker's own name for what is wrong, if it says so. */
  readonly error: string | undefined;
}

const wordMs = 10_000; // brokers leave out a partition now and then: other partitions filled the fetch, or a quota did
const staleMs = 2_000; // fetches come every 100 ms; what was not asked for lately (paused, given away) stands for another reason

/**
 * Which partitions stand still for no reason of ours. A batch whose length is corrupt cannot be told from the cut tail of a fetch,
 * or is not found by the broker at all: nothing fails then, and nothing comes. Holds an entry per partition that gives nothing.
 */
export class Standstills {
  readonly #seen = new Map<string, Sight & { readonly sinceMs: number; readonly atMs: number }>();

  /** A fetch for `topic/partition` was answered; undefined: all is well with it. */
  note(partition: string, sight: Sight | undefined, nowMs: number): void {
    const before = this.#seen.get(partition);
    if (!sight) this.#seen.delete(partition);
    else {
      const goesOn = before?.offset === sight.offset && nowMs - before.atMs <= staleMs;
      this.#seen.set(partition, { ...sight, sinceMs: goesOn ? before.sinceMs : nowMs, atMs: nowMs });
    }
  }

  /** What to say of it, if one has stood still for 10 s: of the one that has for longest. */
  why(nowMs: number): string | undefined {
    for (const [partition, { atMs }] of this.#seen) if (nowMs - atMs > staleMs) this.#seen.delete(partition);
    const [longest] = [...this.#seen].sort(([, a], [, b]) => a.sinceMs - b.sinceMs);
    return longest && nowMs - longest[1].sinceMs >= wordMs ? inWords(...longest) : undefined;
  }
}

function inWords(partition: string, { offset, end, error }: Sight): string {
  const what = error === undefined ? `the broker sends nothing from there, though reads end at ${String(end)}` : `the broker says ${error}`;
  return `${partition} cannot be read on at offset ${String(offset)}: ${what}. Its log may be damaged there (kafka-dump-log shows it); what can be read behind it is read once the group is stopped and its offset set there (kafka-consumer-groups --reset-offsets)`;
}
