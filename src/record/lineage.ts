import { type ErrorCode, RecordError } from '../errors.ts';
import { type Outcome, type Verdict, worse } from './outcome.ts';
import { formatPosition, type OutputPosition, type Position } from './record.ts';
import type { Run } from './run.ts';

/** Why a call or a wait must end although its part of the record has not. */
export type EndReason = 'closed' | 'deadline';

/** What an operator does with a part at the moment: decides what passing the deadline means for it. */
export type Place = 'flowing' | 'queued' | 'calling';

/** Who is told of a record's way. Each is called at most once. */
export interface SettlementObserver {
  /** Every part is in the sink's hands, failed or dropped: the next record of its lane may start. */
  handed(): void;
  /** The record is settled. */
  decided(verdict: Verdict): void;
}

/** The claim that one envelope holds on the records it descends from. Operators and the sink speak to it. */
export interface Part {
  /** False once nobody waits for this part: its records were given back, or it is settled. */
  readonly live: boolean;
  /** When the time of its records is up (the earliest of several), in the clock's milliseconds. */
  readonly deadlineMs: number;
  readonly depth: number;
  /** How many open claims this is: 1, or for a batch the open ones of its members. */
  readonly claims: number;
  /** A new claim on the same records, one operator further on; for `split`. */
  fork(): Part;
  /** Ends this claim without a say in the outcome: its forks answer for the records. */
  retire(): void;
  /** The part passed one operator. */
  advance(): void;
  /** Says what is done with the part. The first `calling` starts its record's time anew: a wait in a queue is ours, not the record's. */
  at(place: Place): void;
  /** Counts calls that ran for the records of this part. */
  attempted(calls: number): void;
  /** Calls `end` when the part is closed from outside or its deadline passes; the result takes the listener away. */
  onEnd(end: (reason: EndReason) => void): () => void;
  /** The sink has taken the output in order. */
  handed(): void;
  /** False when the part was settled before, or its records are closed. */
  settle(outcome: 'done', output?: OutputPosition): boolean;
  settle(outcome: 'dropped', reason: string): boolean;
  settle(outcome: 'failed', error: Error): boolean;
}

/** Counts the parts of one source record and decides its end exactly once. */
export class Settlement {
  readonly position: Position;
  readonly run: Run;
  readonly #timeMs: number;
  readonly #observer: SettlementObserver;
  readonly #outputs: OutputPosition[] = [];
  /** Calls that ran for this record, over all operators and attempts. */
  attempts = 0;
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

  partHanded(): void {
    this.#unhanded -= 1;
    if (this.#unhanded === 0) this.#observer.handed();
  }

  partSettled(part: SinglePart, outcome: Outcome, detail: OutputPosition | Error | string | undefined): void {
    if (this.#only === part) this.#only = undefined;
    else this.#more?.delete(part);
    this.#worst = worse(outcome, this.#worst);
    if (detail instanceof Error) {
      this.#error ??= detail;
      this.run.failed(detail);
    } else if (typeof detail === 'string') this.#reason = detail;
    else if (detail) this.#outputs.push(detail);
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

  #decide(): void {
    this.#closed = true;
    const outputs = this.#outputs;
    if (this.#worst === 'given-back') this.#observer.decided({ outcome: 'given-back', reason: this.#reason });
    else if (this.#worst === 'failed' && this.#error)
      this.#observer.decided({ outcome: 'failed', error: this.#error, outputs, attempts: this.attempts });
    else if (this.#worst === 'done') this.#observer.decided({ outcome: 'done', outputs });
    else this.#observer.decided({ outcome: 'dropped', reason: this.#reason });
  }
}

type PartState = 'open' | 'handed' | 'settled';

class SinglePart implements Part {
  readonly #settlement: Settlement;
  #listeners: Set<(reason: EndReason) => void> | undefined;
  #state: PartState = 'open';
  #place: Place = 'flowing';
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

  attempted(calls: number): void {
    this.#settlement.attempts += calls;
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
    if (reason === 'closed') this.#state = 'settled';
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
    const why = queued ? 'passed its deadline while it waited in a queue' : 'passed its deadline and no operator works on it';
    this.settle('failed', recordError(code, `record ${formatPosition(this.position)} ${why}`, this.position));
  }

  lost(): void {
    if (this.#state !== 'open' || !this.live) return;
    const text = `the pipeline lost record ${formatPosition(this.position)}: its envelope reached neither the end nor a dropping operator (plain filter, switchMap, takeUntil and debounce lose envelopes; use keepOnly, drop or split)`;
    this.settle('failed', recordError('envelope_lost', text, this.position));
  }

  handed(): void {
    if (this.#state !== 'open' || !this.live) return;
    this.#state = 'handed';
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

  #leaveDepth(): void {
    this.#settlement.run.open.moved(this.depth, -1);
  }
}

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
    return Math.min(...this.#parts.map((part) => part.deadlineMs));
  }

  get depth(): number {
    return Math.max(...this.#parts.map((part) => part.depth));
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

  at(place: Place): void {
    for (const part of this.#parts) part.at(place);
  }

  attempted(calls: number): void {
    for (const part of this.#parts) part.attempted(calls);
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

/** Holds a part on behalf of exactly one envelope or operator. When a handle is garbage, its part was lost. */
export class Handle {
  readonly part: Part;
  constructor(part: Part) {
    this.part = part;
  }
}

const lostAndFound = new FinalizationRegistry<SinglePart>((part) => {
  part.lost();
});

/** A handle that is missed when it becomes garbage while its part is open. Costs about 1 µs. */
export function watch(part: Part): Handle {
  const handle = new Handle(part);
  if (part instanceof SinglePart) lostAndFound.register(handle, part);
  return handle;
}

/** Begins to watch a handle that was made without; for the source, which spares synchronous pipelines the cost. */
export function watchLater(handle: Handle): void {
  if (handle.part instanceof SinglePart && handle.part.live) lostAndFound.register(handle, handle.part);
}

export const recordError = (code: ErrorCode, message: string, position: Omit<Position, 'epoch'>, cause?: unknown): RecordError =>
  new RecordError(code, message, { position: formatPosition(position), ...(cause === undefined ? {} : { cause }) });
