/** Which works hold a sequence, and which wait for one. Two works on one sequence would both "succeed", with mixed state. */
export interface SequenceLeases {
  /** A work's claim to a sequence, by its id. */
  readonly held: ReadonlyMap<number, number>;
  /** Sequences that nobody holds. */
  readonly free: readonly number[];
  /** Ids of works that wait, in order of arrival. Bounded by the application, which refuses works above its `maxWaiting`. */
  readonly waiting: readonly number[];
}

/** How much a work would gain from a sequence: higher is better. */
export type Preference = (id: number, sequence: number) => number;

export interface Granted {
  readonly leases: SequenceLeases;
  readonly granted: readonly { readonly id: number; readonly sequence: number }[];
}

export const noLeases = (sequences: number): SequenceLeases => ({
  held: new Map(),
  free: Array.from({ length: sequences }, (_, index) => index),
  waiting: [],
});

/** A work asks for a sequence; call {@link grantLeases} next. */
export const askForLease = (leases: SequenceLeases, id: number): SequenceLeases => ({ ...leases, waiting: [...leases.waiting, id] });

/** A work is over, or is not wanted any more while it waits. Unknown ids change nothing. */
export function releaseLease(leases: SequenceLeases, id: number): SequenceLeases {
  const sequence = leases.held.get(id);
  const waiting = leases.waiting.filter((one) => one !== id);
  if (sequence === undefined) return { ...leases, waiting };
  const held = new Map(leases.held);
  held.delete(id);
  return { held, waiting, free: [...leases.free, sequence] };
}

/**
 * Gives free sequences to those who have waited longest, each the one it prefers: what a sequence keeps of an earlier
 * prompt need not be evaluated again. Among equals the one that has been free for longest.
 */
export function grantLeases(leases: SequenceLeases, preference: Preference): Granted {
  const held = new Map(leases.held);
  let free = [...leases.free];
  const count = Math.min(free.length, leases.waiting.length);
  const granted = leases.waiting.slice(0, count).map((id) => {
    const sequence = best(free, (one) => preference(id, one));
    free = free.filter((one) => one !== sequence);
    held.set(id, sequence);
    return { id, sequence };
  });
  return { leases: { held, free, waiting: leases.waiting.slice(count) }, granted };
}

function best(candidates: readonly number[], score: (one: number) => number): number {
  const [first, ...rest] = candidates.map((one) => ({ one, score: score(one) }));
  if (first === undefined) throw new RangeError('expected at least one free sequence');
  return rest.reduce((a, b) => (b.score > a.score ? b : a), first).one;
}
