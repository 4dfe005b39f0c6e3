import { Failing } from './failing.ts';
import type { Arrival } from './part.ts';
import { type Outcome, type SettlementObserver, type Verdict, worse } from './outcome.ts';
import type { OutputPosition, Position } from './record.ts';
import type { RecordContext } from './record-context.ts';
import { RecordTime } from './record-time.state.ts';
import type { Run } from './run.ts';
import { type Parent, SinglePart } from './single-part.ts';
import { type ModelUse, Spending } from './spending.ts';
import type { FailedTry } from './tries.ts';

/** Counts the parts of one source record and decides its end exactly once. */
export class Settlement implements Parent {
  readonly position: Position;
  readonly run: Run;
  /** Set by the source before anybody sees the record. */
  arrival: Arrival | undefined;
  readonly #observer: SettlementObserver;
  #outputs: OutputPosition[] | undefined;
  /** Calls that ran for this record, over all operators and attempts. */
  attempts = 0;
  readonly #time: RecordTime;
  /** As code has set it, if it has. */
  context: RecordContext | undefined;
  /** What models have used for it so far. */
  spending: Spending | undefined;
  // Most records have one part: a set is made for the second.
  #only: SinglePart | undefined;
  #more: Set<SinglePart> | undefined;
  #unhanded = 0;
  #unsettled = 0;
  #worst: Outcome = 'dropped';
  #failing: Failing | undefined;
  #reason = 'no parts';
  #closed = false;

  /** @param timeMs how long the record may take, from now and again from the start of its first call. */
  constructor(position: Position, timeMs: number, run: Run, observer: SettlementObserver) {
    this.position = position;
    this.#time = new RecordTime(timeMs, run.clock.nowMs());
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
    if (this.#time.begun) return;
    this.#time.begin(this.run.clock.nowMs());
    this.#observer.begun?.();
  }

  /** Its time starts anew, within the deadline that it came with; false when that has passed. */
  extend(): boolean {
    this.#time.extend(this.run.clock.nowMs());
    return !this.isTooLate;
  }

  /** The deadline that it came with has passed. */
  get isTooLate(): boolean {
    return this.#time.isTooLate(this.run.clock.nowMs());
  }

  /** What the record came with says when nobody wants its answer any more. */
  limit(ownDeadlineMs = Number.POSITIVE_INFINITY): void {
    this.#time.limit(ownDeadlineMs);
  }

  setContext(context: RecordContext): void {
    this.context = context;
    this.limit(context.deadlineMs);
  }

  get begun(): boolean {
    return this.#time.begun;
  }

  /** When the record's time is up, in the clock's milliseconds. */
  get deadlineMs(): number {
    return this.#time.deadlineMs(this.run.clock.nowMs());
  }

  suspend(): () => void {
    this.#time.suspend(this.run.clock.nowMs());
    let over = false;
    return () => {
      if (!over) this.#time.resume(this.run.clock.nowMs());
      over = true;
    };
  }

  attempted(calls: number, failed: readonly FailedTry[]): void {
    this.attempts += calls;
    if (failed.length > 0) (this.#failing ??= new Failing()).tried(failed);
  }

  spent(use: ModelUse, index?: number, count?: number): void {
    (this.spending ??= new Spending()).add(use, index, count);
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
      (this.#failing ??= new Failing()).add(detail, this.run.clock.nowMs());
      this.run.failed(detail);
    } else if (typeof detail === 'string') this.#reason = detail;
    else if (detail) (this.#outputs ??= []).push(detail);
    this.#unsettled -= 1;
    if (this.#unsettled === 0) this.#decide();
  }

  /** Ends the record now, whatever its parts do later: they are fenced, and calls running for it are aborted. */
  giveBack(reason: string): void {
    giveBackTogether([this], reason);
  }

  /** Its parts are fenced: the first half of giving back. False when it has ended before. */
  close(reason: string): boolean {
    if (this.#closed) return false;
    this.#reason = reason;
    this.#worst = 'given-back';
    this.#decide();
    return true;
  }

  /** Calls running for it are aborted: the other half. */
  endParts(): void {
    for (const part of this.#openParts()) part.end('closed');
    this.#only = undefined;
    this.#more = undefined;
  }

  /** Whether no call was made for it yet, and all that is left of it waits in queues of ours: to let it go wastes nothing. */
  get isUnbegun(): boolean {
    return !this.begun && this.#isUntouched && this.#openParts().every((part) => part.isQueued);
  }

  get #isUntouched(): boolean {
    return !this.#closed && this.#outputs === undefined && this.#failing?.error === undefined;
  }

  /** Whether all that is left of it waits, in queues of ours or for policies, and no call for it was let pass: the same, later. */
  get isUncalled(): boolean {
    return this.attempts === 0 && this.#isUntouched && this.#openParts().every((part) => part.isQueued || part.isHeldUp);
  }

  /** Whether all that is left of it waits for records to come: as long as none do, it is never through. */
  get isKept(): boolean {
    return !this.#closed && this.#openParts().every((part) => part.isKept);
  }

  /** Ends what the deadline allows to end: calls are aborted, parts that nobody works on are failed. */
  expire(): void {
    for (const part of this.#openParts()) part.expire();
  }

  /** From now on the record ends by {@link conclude} or by being given back: its parts do not end it, however they end. */
  keepOpen(): void {
    this.#unsettled += 1;
  }

  /** Why it fails, if a part has. */
  get failure(): Error | undefined {
    return this.#failing?.error;
  }

  /** How the record ends as things stand, if what its parts have handed over is written at `written`. */
  verdict(written: readonly OutputPosition[] = []): Verdict {
    const own = this.#outputs ?? [];
    const outputs = written.length === 0 ? own : [...own, ...written];
    if (this.#worst === 'given-back') return { outcome: 'given-back', reason: this.#reason };
    const { error, atMs = 0, tries = [] } = this.#failing ?? {};
    if (this.#worst === 'failed' && error) return { outcome: 'failed', error, outputs, attempts: this.attempts, tries, atMs };
    if (this.#worst === 'done' || written.length > 0) return { outcome: 'done', outputs };
    return { outcome: 'dropped', reason: this.#reason };
  }

  /** Ends a record that was kept open; what its parts do later is ignored. */
  conclude(verdict: Verdict): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#only = undefined;
    this.#more = undefined;
    this.#observer.decided(verdict);
  }

  /** Whether a part of it is where no operator of ours works on it. */
  get isUnworked(): boolean {
    return !this.#closed && this.#openParts().some((part) => part.isUnworked);
  }

  #decide(): void {
    this.#closed = true;
    this.#observer.decided(this.verdict());
  }
}

/** Gives records back: all are fenced before the first call is aborted, or its place would go to one that is given back next. */
export function giveBackTogether(settlements: readonly Settlement[], reason: string): void {
  for (const one of settlements.filter((each) => each.close(reason))) one.endParts();
}
