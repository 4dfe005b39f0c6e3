import { Fifo } from '../fifo.ts';
import { giveBackTogether } from '../record/lineage.ts';
import { formatPartition } from '../record/record.ts';
import type { Assignment, Consumer, Fetch, OwnedPartition } from '../transport/transport.ts';
import { Ahead, type Head } from './ahead.ts';
import { blockOf } from './block-of.ts';
import { Isolation } from './isolation.state.ts';
import { laneOf } from './lanes.state.ts';
import { LoopBreak } from './loop-break.ts';
import { isInPipeline, Owned, type Taken, takenOf } from './owned.ts';
import type { SourceOptions } from './source-options.ts';
import { apportion } from './turns.state.ts';
import { Window } from './window.state.ts';

/**
 * The reading end: takes records while the window allows, lets those that must not overtake each other wait in their
 * lanes, and pauses the partitions whose next fetch could not be taken.
 */
export class Source {
  readonly window: Window;
  readonly isolation = new Isolation<Taken>();
  readonly #options: SourceOptions;
  readonly #owned = new Map<string, Owned>();
  readonly #ready = new Fifo<Taken>();
  readonly #ahead: Ahead;
  readonly #break: LoopBreak;
  #consumer: Pick<Consumer, 'verify'> | undefined;
  #closedBy: string | undefined;
  #streaming = false;
  #stopped = false;
  #pumping = false;
  #again = false;
  #soon = false;
  #cancelWake: () => void = () => undefined;

  constructor(options: SourceOptions) {
    this.#options = options;
    this.window = new Window(options);
    this.#ahead = new Ahead({ ...options, due: () => this.pump() });
    this.#break = new LoopBreak({ ...options, goOn: () => this.pump() });
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  /** Partitions that are owned. */
  get partitions(): readonly Owned[] {
    return [...this.#owned.values()];
  }

  /** Why nothing is taken at present; undefined while records are. */
  get closedBy(): string | undefined {
    return this.#closedBy;
  }

  get aheadBytes(): number {
    return this.#ahead.bytes;
  }

  attach(consumer: Pick<Consumer, 'pause' | 'resume' | 'verify'>): void {
    this.#consumer = consumer;
    this.#ahead.attach(consumer, this.#owned.values());
  }

  find(partition: OwnedPartition): Owned | undefined {
    const owned = this.#owned.get(formatPartition(partition));
    return owned?.epoch === partition.epoch ? owned : undefined;
  }

  /** @throws PipelineError `unreadable_metadata`. */
  gain(assignments: readonly Assignment[]): void {
    if (this.#stopped) return; // a member that drains is still in its group, and may be given what another lets go
    const { unreadableMetadata, noteKeepers, weights } = this.#options;
    for (const one of assignments)
      this.#owned.set(formatPartition(one), new Owned(one, unreadableMetadata, this.#ahead.isDelayed(one.topic), noteKeepers));
    apportion(this.partitions, weights);
    this.pump();
  }

  offer(fetch: Fetch): void {
    const owned = this.find(fetch);
    if (owned?.phase !== 'held' || this.#stopped) return;
    this.#ahead.push(owned, fetch.records);
    owned.fetched = fetch.next;
    owned.high = fetch.high;
    this.#pass(owned);
    this.pump();
  }

  /** Gives back what is not ours any more, should this process have stood still for so long: nobody else tells it in time. */
  verify(): void {
    this.#consumer?.verify();
  }

  /** The stream is there to be emitted to, or is not. */
  setStreaming(streaming: boolean): void {
    this.#streaming = streaming;
    this.pump();
  }

  hold(reason: string, untilMs: number): void {
    this.window.hold(reason, untilMs);
    this.pump();
  }

  /** Every part of the record is with the sink, failed or dropped: the next of its lane may start. */
  through(taken: Taken): void {
    if (!taken.through && !taken.over) this.#options.open.leaves(1);
    taken.through = true;
    this.isolation.through(taken);
    const next = taken.partition.lanes.leave(taken.lane);
    if (next) this.#ready.push(next);
    this.#pumpSoon();
  }

  /** The record is settled; false when it does not count any more. */
  settle(taken: Taken): boolean {
    const { partition } = taken;
    if (!this.#free(taken) || partition.phase === 'gone') return false;
    if (partition.tracker.settle(taken.ticket)) {
      partition.mapFull = false; // the next commit tells
      this.#ahead.unstall(partition);
    }
    this.#pumpSoon();
    return true;
  }

  /** Takes nothing more from these partitions, and forgets what of them is not in the pipeline yet. */
  leave(partitions: readonly Owned[]): void {
    for (const one of partitions) {
      one.phase = 'leaving';
      this.#ahead.forget(one);
      for (const taken of one.taken()) if (taken.settlement === undefined) this.#free(taken);
    }
    this.isolation.forget((taken) => taken.settlement === undefined && taken.partition.phase !== 'held');
    this.pump();
  }

  /** Ends the ownership: whatever is left of these partitions is given back, and late results are fenced. */
  lose(partitions: readonly Owned[], reason: string): void {
    this.leave(partitions);
    for (const one of partitions) {
      one.end();
      if (this.find(one) === one) this.#owned.delete(formatPartition(one));
    }
    apportion(this.partitions, this.#options.weights);
    const left = partitions.flatMap((one) => one.taken());
    this.abandonAll(left, reason);
    this.isolation.forget((taken) => taken.partition.phase === 'gone');
    this.pump();
  }

  /** Records that the pipeline still works on, in the order they were taken from each partition. */
  unfinished(): readonly Taken[] {
    return this.partitions.flatMap((one) => one.taken().filter(isInPipeline));
  }

  /** These run again, in a stream that has been restarted. */
  again(takens: readonly Taken[]): void {
    for (const taken of takens) this.#ready.push(taken);
  }

  /** Gives one record back: it is delivered again to whoever owns its partition next. */
  abandon(taken: Taken, reason: string): void {
    this.abandonAll([taken], reason);
  }

  /** The same with many, none of which is worked on any more when the calls for another are aborted. */
  abandonAll(takens: readonly Taken[], reason: string): void {
    for (const taken of takens) this.#free(taken);
    const settlements = takens.flatMap(({ settlement }) => settlement ?? []);
    giveBackTogether(settlements, reason);
  }

  /** Takes nothing more at all. */
  stop(): void {
    this.#stopped = true;
    this.#cancelWake();
    this.#break.stop();
    this.#ahead.stop();
    this.leave(this.partitions);
  }

  #free(taken: Taken): boolean {
    if (taken.over) return false;
    taken.over = true;
    if (taken.through) this.#options.open.leaves(-1);
    taken.partition.released(taken.bytes);
    this.window.release(taken.bytes);
    return true;
  }

  // One acknowledgement settles up to a thousand records: look once, after all of them.
  #pumpSoon(): void {
    if (this.#pumping) this.#again = true;
    else if (!this.#soon) {
      this.#soon = true;
      queueMicrotask(() => {
        this.#soon = false;
        this.pump();
      });
    }
  }

  /** Emits and takes all it may. Called after every change; a call from inside only asks for another round. */
  pump(): void {
    this.#again = true;
    if (this.#pumping) return;
    this.verify();
    this.#pumping = true;
    this.#break.begin();
    while (this.#again) {
      this.#again = false;
      this.#emitReady();
      this.#take();
    }
    this.#pumping = false;
    this.#ahead.steer(this.#owned.values(), this.#stopped);
    const isRunning = this.#streaming && !this.#stopped && !this.isolation.active;
    this.#options.open.setSourceBlocked(isRunning ? blockOf(this, this.#options) : 'shut');
  }

  #emitReady(): void {
    const suspect = this.#streaming && this.isolation.active && this.isolation.next(this.#options.clock.nowMs());
    if (suspect) this.#options.emit(suspect);
    while (this.#streaming && !this.isolation.active) {
      const taken = this.#ready.shift();
      if (!taken) return;
      if (!taken.over) this.#options.emit(taken); // else its partition left while it waited
    }
  }

  #take(): void {
    this.#closedBy = undefined;
    this.#ahead.readmit();
    for (let head = this.#ahead.head(); head; head = this.#ahead.head()) {
      this.#closedBy = this.#whyClosed(head.bytes);
      if (this.#closedBy !== undefined || this.#break.isDue()) return;
      if (head.owned.isFull(this.#options.maxAboveWatermark)) this.#ahead.stall(head);
      else if (this.window.isKeptFrom(head.owned)) this.#ahead.setAside(head);
      else this.#takeHead(head);
    }
    if (this.#ahead.hasSated) this.#closedBy = 'the rest of the window is for other partitions';
  }

  #takeHead(head: Head): void {
    const { owned, record, bytes } = head;
    this.#ahead.take(head);
    if (owned.wasCompleted(record.offset)) this.#skip(owned, record);
    else this.#enter(owned, record, bytes);
    this.#pass(owned);
  }

  /** What was fetched is taken: what else lies there holds no records, and the watermark need not wait for it. */
  #pass(owned: Owned): void {
    if (owned.ahead.size === 0 && owned.tracker.pass(owned.fetched)) this.#options.passed(owned);
  }

  /** Its outputs are written, and its commit said so: it only has to be counted. */
  #skip(partition: Owned, record: Taken['record']): void {
    const taken = this.#takenOf(partition, record, 0);
    taken.over = true;
    partition.tracker.deliverDone(record.offset, taken);
    this.#options.skipped(partition);
  }

  #enter(partition: Owned, record: Taken['record'], bytes: number): void {
    const taken = this.#takenOf(partition, record, bytes);
    taken.ticket = partition.tracker.deliver(record.offset, taken);
    partition.entered(bytes);
    this.window.take(bytes);
    if (!partition.lanes.enter(taken.lane, taken)) return;
    this.#ready.push(taken);
    this.#emitReady();
  }

  #takenOf(partition: Owned, record: Taken['record'], bytes: number): Taken {
    return takenOf(partition, record, { bytes, lane: laneOf(this.#options.ordering, record.key), takenMs: this.#options.clock.nowMs() });
  }

  #whyClosed(bytes: number): string | undefined {
    if (this.#stopped) return 'stopped';
    if (!this.#streaming) return 'the stream restarts';
    if (this.isolation.active) return 'records run one at a time after the stream ended';
    if (this.#options.outgoingBytes() >= this.#options.maxBytesInFlight) return 'bytes for the broker';
    const nowMs = this.#options.clock.nowMs();
    const hold = this.window.isHeld ? this.window.holds(nowMs)[0] : undefined;
    if (hold) {
      this.#cancelWake();
      this.#cancelWake = this.#options.clock.schedule(Math.max(1, hold.untilMs - nowMs), () => this.pump());
    }
    return this.window.closedBy(bytes, nowMs);
  }
}
