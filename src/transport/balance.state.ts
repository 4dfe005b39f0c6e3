/** What one member of a consumer group says when it joins a generation. Partitions are `topic/partition`. */
export interface Claim {
  readonly memberId: string;
  /** The generation in which `owned` was last confirmed; of two members that claim one partition the higher is right. */
  readonly generation: number;
  /** The topics it subscribes to; it is given partitions of no others. */
  readonly topics: readonly string[];
  /** What it holds, partitions that it is letting go included. */
  readonly owned: readonly string[];
  /** The part of `owned` that it is letting go. A revoke is final: such a partition is never given back half-way. */
  readonly revoking: readonly string[];
}

/** One member while the plan is made: the partitions it is to have in the end, by topic. */
interface Seat {
  readonly memberId: string;
  readonly topics: ReadonlySet<string>;
  readonly revoking: ReadonlySet<string>;
  /** Those it does not hold: they move freely. */
  readonly free: Map<string, string[]>;
  /** Those it holds: each one moved is a revoke. */
  readonly held: Map<string, string[]>;
  load: number;
}

/**
 * Shares partitions among the members of a group: sticky (what is held moves only where that makes the shares more
 * even), balanced (no chain of moves between members could make them more even; with equal subscriptions the shares
 * differ by one at most), cooperative: the result is what each member may hold in **this** generation. A partition
 * that somebody else still holds, or is letting go, is given to nobody; when its holder has let it go and joins
 * again, the next call gives it away. From any claims two such rounds reach the end, and then nothing moves.
 *
 * In: all partitions, one claim per member. Out: an entry per member, sorted. The result does not depend on the order
 * of the inputs. Time O(moves × members × topics); holds nothing between calls.
 *
 * @see KIP-429 (incremental cooperative rebalancing); Harvey et al., "Semi-matchings for bipartite graphs and load
 * balancing" (no cost-reducing path = most even)
 */
export function balance(all: readonly string[], claims: readonly Claim[]): ReadonlyMap<string, readonly string[]> {
  const members = [...claims].sort((a, b) => compare(a.memberId, b.memberId));
  const seats = members.map(emptySeat);
  const holders = currentHolders(members, seats);
  const unheld: string[] = [];
  for (const partition of [...new Set(all)].sort(comparePartitions)) {
    const holder = holders.get(partition);
    if (holder && mayStay(partition, holder)) put(holder, 'held', partition);
    else unheld.push(partition);
  }
  // First only what is free is placed, as evenly as that allows, and only then is something taken from a holder: so the
  // round after a revoke finds a plan as even as the one that asked for it, and asks for nothing more.
  for (const partition of unheld) {
    const seat = leastLoaded(seats, topicOf(partition));
    if (seat) put(seat, 'free', partition);
  }
  levelOut(seats, false);
  levelOut(seats, true);
  return new Map(seats.map((seat) => [seat.memberId, allowedNow(seat, holders)]));
}

/** The topic of a `topic/partition`. */
const topicOf = (partition: string): string => partition.slice(0, partition.lastIndexOf('/'));

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const comparePartitions = (a: string, b: string): number =>
  compare(topicOf(a), topicOf(b)) || Number(a.slice(a.lastIndexOf('/') + 1)) - Number(b.slice(b.lastIndexOf('/') + 1));

const emptySeat = ({ memberId, topics, revoking }: Claim): Seat => ({
  memberId,
  topics: new Set(topics),
  revoking: new Set(revoking),
  free: new Map(),
  held: new Map(),
  load: 0,
});

const mayStay = (partition: string, holder: Seat): boolean => !holder.revoking.has(partition) && holder.topics.has(topicOf(partition));

/** Who holds what. Members that were cut off may claim what others were given meanwhile: the later generation counts. */
function currentHolders(members: readonly Claim[], seats: readonly Seat[]): ReadonlyMap<string, Seat> {
  const generations = new Map<string, number>();
  const holders = new Map<string, Seat>();
  for (const [index, { owned, generation }] of members.entries()) {
    const seat = seats[index];
    for (const partition of owned) {
      const other = generations.get(partition);
      if (!seat || (other !== undefined && other >= generation)) continue;
      generations.set(partition, generation);
      holders.set(partition, seat);
    }
  }
  return holders;
}

function put(seat: Seat, kind: 'free' | 'held', partition: string): void {
  const topic = topicOf(partition);
  const list = seat[kind].get(topic);
  if (list) list.push(partition);
  else seat[kind].set(topic, [partition]);
  seat.load += 1;
}

function leastLoaded(seats: readonly Seat[], topic: string): Seat | undefined {
  let best: Seat | undefined;
  for (const seat of seats) if (seat.topics.has(topic) && (!best || seat.load < best.load)) best = seat;
  return best;
}

/** Moves partitions from fuller to emptier members, along chains where no direct move is possible, until none helps. */
function levelOut(seats: readonly Seat[], takeHeld: boolean): void {
  for (;;) {
    const chain = firstChain(seats, takeHeld);
    if (chain.length === 0) return;
    for (const { from, to, topic } of chain) {
      const partition = from.free.get(topic)?.pop() ?? from.held.get(topic)?.pop();
      from.load -= 1;
      if (partition !== undefined) put(to, 'free', partition);
    }
  }
}

function firstChain(seats: readonly Seat[], takeHeld: boolean): readonly Move[] {
  for (const seat of [...seats].sort((a, b) => b.load - a.load)) {
    const chain = chainFrom(seat, seats, takeHeld);
    if (chain.length > 0) return chain;
  }
  return [];
}

interface Move {
  readonly from: Seat;
  readonly to: Seat;
  readonly topic: string;
}

/** The shortest chain of moves to the emptiest member that can be reached, if that one has at least two fewer. */
function chainFrom(source: Seat, seats: readonly Seat[], takeHeld: boolean): readonly Move[] {
  const reachedBy = new Map<Seat, Move | undefined>([[source, undefined]]);
  let target = source;
  for (const from of reachedBy.keys()) {
    if (from.load < target.load) target = from;
    for (const topic of movableTopics(from, takeHeld)) {
      for (const to of seats) if (!reachedBy.has(to) && to.topics.has(topic)) reachedBy.set(to, { from, to, topic });
    }
  }
  if (target.load > source.load - 2) return [];
  const chain: Move[] = [];
  for (let move = reachedBy.get(target); move; move = reachedBy.get(move.from)) chain.unshift(move);
  return chain;
}

function movableTopics(seat: Seat, takeHeld: boolean): readonly string[] {
  const lists = takeHeld ? [...seat.free, ...seat.held] : [...seat.free];
  return [...new Set(lists.filter(([, partitions]) => partitions.length > 0).map(([topic]) => topic))];
}

function allowedNow(seat: Seat, holders: ReadonlyMap<string, Seat>): readonly string[] {
  const held = [...seat.held.values()].flat();
  const given = [...seat.free.values()].flat().filter((partition) => {
    const holder = holders.get(partition);
    return !holder || (holder === seat && mayStay(partition, seat)); // taken from it and, over a chain, come back
  });
  return [...held, ...given].sort(comparePartitions);
}
