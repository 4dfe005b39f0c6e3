import { type Lookout, SinglePart } from './single-part.ts';
import type { EndReason, Part, Place, Root } from './part.ts';
import type { OutputPosition } from './record.ts';
import { type ModelUse, Spending } from './spending.ts';
import type { FailedTry } from './tries.ts';

/** Several parts that go one way together: a batch, or a merge. It ends from outside only when all of them have. */
export class CompositePart implements Part {
  readonly members: readonly Handle[];

  constructor(members: readonly Handle[]) {
    this.members = members;
  }

  get #parts(): Part[] {
    return this.members.map((member) => member.part);
  }

  get live(): boolean {
    return this.members.some((member) => member.part.live);
  }

  get deadlineMs(): number {
    const live = this.#parts.filter((part) => part.live); // who has ended does not hurry the others
    return Math.min(...(live.length > 0 ? live : this.#parts).map((part) => part.deadlineMs));
  }

  get depth(): number {
    return Math.max(...this.#parts.map((part) => part.depth));
  }

  get roots(): readonly Root[] {
    return [...new Set(this.members.flatMap((member) => member.part.roots))];
  }

  get claims(): number {
    return this.members.reduce((sum, member) => sum + member.part.claims, 0);
  }

  retire(): void {
    for (const part of this.#parts) part.retire();
  }

  fork(): Part {
    return new CompositePart(this.#parts.map((part) => watch(part.fork())));
  }

  advance(): void {
    for (const part of this.#parts) part.advance();
  }

  setContext(): void {
    // it is that of the one call: the records keep their own, which may be other people's
  }

  at(place: Place): void {
    const ofEach = place === 'queued' ? 'bound' : place; // the call will be made for all, whether one is still wanted or not
    for (const part of this.#parts) part.at(ofEach);
  }

  suspend(isUncalled?: () => boolean): () => void {
    const resumes = this.#parts.map((part) => part.suspend(isUncalled));
    return () => {
      for (const resume of resumes) resume();
    };
  }

  attempted(calls: number, failed: readonly FailedTry[], completed: boolean): void {
    for (const part of this.#parts) part.attempted(calls, failed, completed);
  }

  spent(use: ModelUse, index = 0, count = 1): void {
    const all = this.#parts;
    const live = all.filter((part) => part.live);
    const sharers = live.length > 0 ? live : all; // a call that is aborted because nobody wants it any more was made for all
    for (const [at, part] of sharers.entries()) part.spent(use, index * sharers.length + at, count * sharers.length);
  }

  get spending(): Spending | undefined {
    const all = this.#parts.flatMap(({ spending }) => spending ?? []);
    return Spending.together([...new Set(all)]); // several parts may be of one record
  }

  onEnd(end: (reason: EndReason) => void): () => void {
    const stops = this.#parts.map((part) =>
      part.onEnd((reason) => {
        if (reason === 'deadline' || !this.live) end(reason); // the earliest deadline counts for all
      }),
    );
    return () => {
      for (const stop of stops) stop();
    };
  }

  handed(): void {
    for (const part of this.#parts) part.handed();
  }

  settle(outcome: 'done' | 'dropped' | 'failed', detail?: OutputPosition | Error | string): boolean {
    let any = false;
    for (const part of this.#parts) any = part.settle(outcome as 'done', detail as OutputPosition) || any;
    return any;
  }
}

/** Who made a batch, and wants to know how its calls go. Told in the midst of an operator's work: it must not emit. */
export interface BatchObserver {
  /** Where the batch is now. */
  at(place: Place): void;
  /** A call waits for a policy, from 1 to -1; waits overlap. */
  waits(change: 1 | -1): void;
  /** A call has ended; `madeOnce`: at its first attempt. */
  ended(madeOnce: boolean, completed: boolean): void;
}

/** A batch on its way to its call, watched by who made it. */
export class ObservedPart extends CompositePart {
  readonly #observer: BatchObserver;

  constructor(members: readonly Handle[], observer: BatchObserver) {
    super(members);
    this.#observer = observer;
  }

  override at(place: Place): void {
    super.at(place);
    this.#observer.at(place);
  }

  override advance(): void {
    super.advance();
    this.#observer.at('flowing');
  }

  override suspend(isUncalled?: () => boolean): () => void {
    const resume = super.suspend(isUncalled);
    this.#observer.waits(1);
    let over = false;
    return () => {
      resume();
      if (!over) this.#observer.waits(-1);
      over = true;
    };
  }

  override attempted(calls: number, failed: readonly FailedTry[], completed: boolean): void {
    super.attempted(calls, failed, completed);
    this.#observer.ended(calls === 1 && failed.length === 0, completed);
  }
}

/** Holds a part on behalf of exactly one envelope or operator. When a handle is garbage, its part was lost. */
export class Handle {
  readonly part: Part;
  constructor(part: Part) {
    this.part = part;
  }
}

const lostAndFound = new FinalizationRegistry<Lookout>(({ part }) => {
  part?.lost();
});

/** How many runs want garbage to decide nothing. */
let unwatched = 0;

/**
 * Until the result is called no handle is watched any more: what is lost is found by its deadline alone. For simulations, whose
 * runs must not depend on when V8 collects.
 */
export function watchNothing(): () => void {
  unwatched += 1;
  return () => {
    unwatched -= 1;
  };
}

/** A handle that is missed when it becomes garbage while its part is open. Costs about 1 µs. */
export function watch(part: Part): Handle {
  const handle = new Handle(part);
  if (unwatched === 0 && part instanceof SinglePart) lostAndFound.register(handle, part.watched());
  return handle;
}

/** Begins to watch a handle that was made without; for the source, which spares synchronous pipelines the cost. */
export function watchLater(handle: Handle): void {
  if (unwatched === 0 && handle.part instanceof SinglePart && handle.part.live) lostAndFound.register(handle, handle.part.watched());
}
