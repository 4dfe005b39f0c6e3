import { stopsPipeline } from '../classify.ts';
import type { ErrorCode } from '../errors.ts';
import { type Outcome, type Verdict, worse } from './outcome.ts';
import type { EndReason, Part, Place } from './part.ts';
import { formatPosition, type OutputPosition, type Position } from './record.ts';
import { recordError } from './record-error.ts';
import type { Run } from './run.ts';
import { type FailedTry, keepTry } from './tries.ts';

/** Who is told of a record's way. Each is called at most once. */
export interface SettlementObserver {
  /** Every part is in the sink's hands, failed or dropped: the next record of its lane may start. */
  handed(): void;
  /** The record is settled. */
  decided(verdict: Verdict): void;
}

/** Counts the parts of one source record and decides its end exactly once. */
export class Settlement {
  readonly position: Position;
  readonly run: Run;
  readonly #timeMs: number;
  readonly #observer: SettlementObserver;
  #outputs: OutputPosition[] | undefined;
  /** Calls that ran for this record, over all operators and attempts. */
  attempts = 0;
  #failedTries: FailedTry[] | undefined;
  /** When the record's time is up, in the clock's milliseconds. */
  deadlineMs: number;
  #begun = false;
  // Most records have one part: a set is made for the second.
  #only: SinglePart | undefined;
  #more: Set<SinglePart> | undefined;
  #unhanded = 0;
  #unsettled = 0;
  #worst: Outcome = 'dropped';
  #error: Error | undefined;
  #reason = 'no parts';
  #closed = false;

  /** @param timeMs how long the record may take, from now and again from the start of its first call. */
  constructor(position: Position, timeMs: number, run: Run, observer: SettlementObserver) {
    this.position = position;
    this.#timeMs = timeMs;
    this.deadlineMs = run.clock.nowMs() + timeMs;
    this.run = run;
    this.#observer = observer;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Whether every part is in the sink's hands or settled: the record needs no more work of the pipeline. */
  get isHanded(): boolean {
    return this.#unhanded === 0;
  }

  add(depth: number): SinglePart {
    this.#unhanded += 1;
    this.#unsettled += 1;
    const part = new SinglePart(this, depth);
    if (this.#only === undefined) this.#only = part;
    else (this.#more ??= new Set()).add(part);
    return part;
  }

  #openParts(): SinglePart[] {
    return [...(this.#only ? [this.#only] : []), ...(this.#more ?? [])];
  }

  /** The first call for this record starts. */
  begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    this.extend();
  }

  extend(): void {
    this.deadlineMs = this.run.clock.nowMs() + this.#timeMs;
  }

  get begun(): boolean {
    return this.#begun;
  }

  attempted(calls: number, failed: readonly FailedTry[]): void {
    this.attempts += calls;
    for (const one of failed) keepTry((this.#failedTries ??= []), one);
  }

  partHanded(): void {
    this.#unhanded -= 1;
    if (this.#unhanded === 0) this.#observer.handed();
  }

  partSettled(part: SinglePart, outcome: Outcome, detail: OutputPosition | Error | string | undefined): void {
    if (this.#only === part) this.#only = undefined;
    else this.#more?.delete(part);
    this.#worst = worse(outcome, this.#worst);
    if (detail instanceof Error) {
      if (this.#error === undefined || (stopsPipeline(detail) && !stopsPipeline(this.#error))) this.#error = detail;
      this.run.failed(detail);
    } else if (typeof detail === 'string') this.#reason = detail;
    else if (detail) (this.#outputs ??= []).push(detail);
    this.#unsettled -= 1;
    if (this.#unsettled === 0) this.#decide();
  }

  /** Ends the record now, whatever its parts do later: they are fenced, and calls running for it are aborted. */
  giveBack(reason: string): void {
    if (this.#closed) return;
    this.#reason = reason;
    this.#worst = 'given-back';
    this.#decide();
    for (const part of this.#openParts()) part.end('closed');
    this.#only = undefined;
    this.#more = undefined;
  }

  /** Ends what the deadline allows to end: calls are aborted, parts that nobody works on are failed. */
  expire(): void {
    for (const part of this.#openParts()) part.expire();
  }

  /** Whether a part of it is where no operator of ours works on it. */
  get isUnworked(): boolean {
    return !this.#closed && this.#openParts().some((part) => part.isUnworked);
  }

  #decide(): void {
    this.#closed = true;
    const outputs = this.#outputs ?? [];
    if (this.#worst === 'given-back') this.#observer.decided({ outcome: 'given-back', reason: this.#reason });
    else if (this.#worst === 'failed' && this.#error)
      this.#observer.decided({ outcome: 'failed', error: this.#error, outputs, attempts: this.attempts, tries: this.#failedTries ?? [] });
    else if (this.#worst === 'done') this.#observer.decided({ outcome: 'done', outputs });
    else this.#observer.decided({ outcome: 'dropped', reason: this.#reason });
  }
}

const losers =
  'plain filter, switchMap, takeUntil and debounce lose envelopes, bufferCount keeps them: use keepOnly, drop, split or batchWithin';

type PartState = 'open' | 'handed' | 'settled';

/** Found again when a handle is garbage. Small, because it is kept until the garbage collector has seen that, many records later. */
export interface Lookout {
  part: SinglePart | undefined;
}

/** The claim of one part on one record. */
export class SinglePart implements Part {
  readonly #settlement: Settlement;
  #listeners: Set<(reason: EndReason) => void> | undefined;
  #state: PartState = 'open';
  #place: Place = 'flowing';
  #lookout: Lookout | undefined;
  depth: number;

  constructor(settlement: Settlement, depth: number) {
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
    this.#place = 'flowing';
    if (this.#state !== 'open') return;
    const { open } = this.#settlement.run;
    open.moved(this.depth, -1);
    this.depth += 1;
    open.moved(this.depth, 1);
  }

  get deadlineMs(): number {
    return this.#settlement.deadlineMs;
  }

  at(place: Place): void {
    this.#place = place;
    if (place === 'calling') this.#settlement.begin();
  }

  attempted(calls: number, failed: readonly FailedTry[]): void {
    this.#settlement.attempted(calls, failed);
  }

  onEnd(end: (reason: EndReason) => void): () => void {
    const listeners = (this.#listeners ??= new Set());
    listeners.add(end);
    return () => {
      listeners.delete(end);
    };
  }

  end(reason: EndReason): void {
    if (reason === 'closed' && this.#state === 'open') this.#leaveDepth();
    if (reason === 'closed') this.#over('settled');
    for (const listener of [...(this.#listeners ?? [])]) listener(reason);
    if (reason === 'closed') this.#listeners = undefined;
  }

  expire(): void {
    if (this.#state !== 'open') return; // the sink waits for the broker as long as it takes
    if (this.#place === 'queued' && !this.#settlement.begun) {
      this.#settlement.extend(); // back pressure is no fault of the record: its time has not begun
      return;
    }
    if (this.#listeners !== undefined && this.#listeners.size > 0) this.end('deadline');
    if (!this.live || this.#place === 'calling') return;
    const queued = this.#place === 'queued';
    const code: ErrorCode = queued ? 'deadline_exceeded' : 'envelope_lost';
    const why = queued ? 'passed its deadline while it waited in a queue' : `passed its deadline and no operator works on it (${losers})`;
    this.settle('failed', recordError(code, `record ${formatPosition(this.position)} ${why}`, this.position));
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
    const text = `the pipeline lost record ${formatPosition(this.position)}: its envelope reached neither the end nor a dropping operator (${losers})`;
    this.settle('failed', recordError('envelope_lost', text, this.position));
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
    if (!this.live) return false;
    this.handed();
    this.#state = 'settled';
    this.#listeners = undefined;
    this.#settlement.partSettled(this, outcome, detail);
    return true;
  }

  #over(state: 'handed' | 'settled'): void {
    this.#state = state;
    if (this.#lookout) this.#lookout.part = undefined;
  }

  #leaveDepth(): void {
    this.#settlement.run.open.moved(this.depth, -1);
  }
}
