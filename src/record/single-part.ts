import { lost, overdue } from './lost.ts';
import type { Outcome } from './outcome.ts';
import type { EndReason, Part, Place, Root } from './part.ts';
import type { OutputPosition, Position } from './record.ts';
import type { RecordContext } from './record-context.ts';
import type { Run } from './run.ts';
import type { ModelUse, Spending } from './spending.ts';
import type { FailedTry } from './tries.ts';

/** What parts say to the record that they are of. */
export interface Parent extends Root {
  readonly run: Run;
  readonly closed: boolean;
  readonly deadlineMs: number;
  readonly begun: boolean;
  add(depth: number): Part;
  /** The first call for this record starts. */
  begin(): void;
  /** Its time starts anew; false when the deadline that it came with has passed. */
  extend(): boolean;
  /** The deadline that it came with has passed. */
  readonly isTooLate: boolean;
  setContext(context: RecordContext): void;
  /** Its time stands still until the result is called. */
  suspend(): () => void;
  attempted(calls: number, failed: readonly FailedTry[]): void;
  spent(use: ModelUse, index?: number, count?: number): void;
  readonly spending: Spending | undefined;
  partHanded(): void;
  partSettled(part: SinglePart, outcome: Outcome, detail: OutputPosition | Error | string | undefined): void;
}

type PartState = 'open' | 'handed' | 'settled';

/** Found again when a handle is garbage. Small, because it is kept until the garbage collector has seen that, many records later. */
export interface Lookout {
  part: SinglePart | undefined;
}

/** The claim of one part on one record. */
export class SinglePart implements Part {
  readonly #settlement: Parent;
  /** Mostly one, the call that runs: a set is made for the second. */
  #listener: ((reason: EndReason) => void) | undefined;
  #others: Set<(reason: EndReason) => void> | undefined;
  #state: PartState = 'open';
  #place: Place = 'flowing';
  #lookout: Lookout | undefined;
  /** Of a call for it that waits for policies: how many of them, and whether nothing of it was called. */
  #held: { waits: number; readonly isUncalled: () => boolean } | undefined;
  depth: number;

  constructor(settlement: Parent, depth: number) {
    this.#settlement = settlement;
    this.depth = depth;
    if (settlement.closed) this.#state = 'settled';
    else settlement.run.open.moved(depth, 1);
  }

  get live(): boolean {
    return this.#state !== 'settled' && !this.#settlement.closed;
  }

  get position(): Position {
    return this.#settlement.position;
  }

  get roots(): readonly Root[] {
    return this.live ? [this.#settlement] : [];
  }

  fork(): Part {
    return this.#settlement.add(this.depth + 1);
  }

  get claims(): number {
    return this.#state === 'open' ? 1 : 0;
  }

  retire(): void {
    this.#finish('dropped', undefined);
  }

  advance(): void {
    this.#stand('flowing');
    if (this.#state !== 'open') return;
    const { open } = this.#settlement.run;
    open.moved(this.depth, -1);
    this.depth += 1;
    open.moved(this.depth, 1);
  }

  get deadlineMs(): number {
    return this.#settlement.deadlineMs;
  }

  setContext(context: RecordContext): void {
    this.#settlement.setContext(context);
  }

  at(place: Place): void {
    this.#stand(place);
    if (place === 'calling') this.#settlement.begin();
    if (place === 'kept' && this.#settlement.begun) this.#settlement.extend(); // for the next of its windows
  }

  suspend(isUncalled: () => boolean = () => false): () => void {
    const resume = this.#settlement.suspend();
    if (!this.#held || this.#held.waits === 0) this.#held = { waits: 0, isUncalled };
    const held = this.#held;
    held.waits += 1;
    let over = false;
    return () => {
      resume();
      if (!over) held.waits -= 1;
      over = true;
    };
  }

  attempted(calls: number, failed: readonly FailedTry[]): void {
    this.#settlement.attempted(calls, failed);
  }

  spent(use: ModelUse, index?: number, count?: number): void {
    this.#settlement.spent(use, index, count);
  }

  get spending(): Spending | undefined {
    return this.#settlement.spending;
  }

  onEnd(end: (reason: EndReason) => void): () => void {
    if (this.#listener === undefined) this.#listener = end;
    else (this.#others ??= new Set()).add(end);
    return () => {
      if (this.#listener === end) this.#listener = undefined;
      else this.#others?.delete(end);
    };
  }

  #listeners(): ((reason: EndReason) => void)[] {
    return [...(this.#listener ? [this.#listener] : []), ...(this.#others ?? [])];
  }

  #forgetListeners(): void {
    this.#listener = undefined;
    this.#others = undefined;
  }

  end(reason: EndReason): void {
    if (reason === 'closed' && this.#state === 'open') this.#leaveDepth();
    if (reason === 'closed') this.#over('settled');
    for (const listener of this.#listeners()) listener(reason);
    if (reason === 'closed') this.#forgetListeners();
  }

  expire(): void {
    if (this.#state !== 'open') return; // the sink waits for the broker as long as it takes
    if (this.isKept && this.#settlement.extend()) return;
    if (this.#isWaiting && !this.#settlement.begun && this.#settlement.extend()) return; // back pressure is no fault of the record: its time has not begun
    if (this.#listeners().length > 0) this.end('deadline');
    if (!this.live || this.#place === 'calling') return;
    this.settle('failed', overdue(this.position, this.#place, this.#settlement.isTooLate));
  }

  get #isWaiting(): boolean {
    return this.#place === 'queued' || this.#place === 'bound';
  }

  /** Waits in a queue of ours, on its own. */
  get isQueued(): boolean {
    return this.#state === 'open' && this.#place === 'queued';
  }

  /** A call for it waits for policies, and nothing of it has been called. */
  get isHeldUp(): boolean {
    return (
      this.#state === 'open' && this.#place === 'calling' && this.#held !== undefined && this.#held.waits > 0 && this.#held.isUncalled()
    );
  }

  /** Waits for records to come, with which it is worked on again. */
  get isKept(): boolean {
    return this.#state === 'open' && this.#place === 'kept';
  }

  /** Nobody works on it or keeps it in a queue of ours: it is between operators, or in one of RxJS. */
  get isUnworked(): boolean {
    return this.#state === 'open' && this.#place === 'flowing' && this.live;
  }

  /** What to keep while somebody may lose this part: it lets go of the part once that cannot happen any more. */
  watched(): Lookout {
    this.#lookout ??= { part: this.live ? this : undefined };
    return this.#lookout;
  }

  lost(): void {
    if (this.#state !== 'open' || !this.live) return;
    this.settle('failed', lost(this.position));
  }

  handed(): void {
    if (this.#state !== 'open' || !this.live) return;
    this.#over('handed');
    this.#leaveDepth();
    this.#settlement.partHanded();
  }

  settle(outcome: 'done' | 'dropped' | 'failed', detail?: OutputPosition | Error | string): boolean {
    return this.#finish(outcome, detail);
  }

  #finish(outcome: Outcome, detail: OutputPosition | Error | string | undefined): boolean {
    if (outcome === 'failed') this.#settlement.run.verify(); // a failure that comes late is nobody's
    if (!this.live) return false;
    this.handed();
    this.#state = 'settled';
    this.#forgetListeners();
    this.#settlement.partSettled(this, outcome, detail);
    return true;
  }

  #over(state: 'handed' | 'settled'): void {
    this.#state = state;
    if (this.#lookout) this.#lookout.part = undefined;
  }

  #stand(place: Place): void {
    const didRest = this.#rests;
    this.#place = place;
    if (this.#rests !== didRest) this.#settlement.run.open.rests(didRest ? -1 : 1);
  }

  /** Nobody is at work on it: what would go on with it is something else. */
  get #rests(): boolean {
    return this.#state === 'open' && this.#place !== 'flowing' && this.#place !== 'calling';
  }

  /** To be called while it is open for the count, though its state may say otherwise already. */
  #leaveDepth(): void {
    const { open } = this.#settlement.run;
    if (this.#place !== 'flowing' && this.#place !== 'calling') open.rests(-1);
    open.moved(this.depth, -1);
  }
}
