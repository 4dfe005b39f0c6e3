import { type Observable, tap } from 'rxjs';
import { type Clock, sleep } from '../clock.ts';
import { type ErrorCode, isStreamError, messageOf } from '../errors.ts';
import { seededRandom } from '../inference/scripted/seeded-random.ts';
import type { Pipeline } from '../pipeline.ts';
import { type Envelope, runOf } from '../record/envelope.ts';
import type { OpenParts } from '../record/run.ts';
import { silentLog } from '../runtime/logging.ts';
import { type App, start } from '../runtime/start.ts';
import type { MemoryTransport } from '../transport/memory/memory.ts';
import type { WorldPlan } from './deed.ts';
import type { Event } from './history.ts';
import type { Logs } from './logs.ts';
import { ProcessClock } from './process-clock.ts';
import type { AppSide, Subject } from './subject.ts';
import { Wire } from './wire.ts';

export interface MemberSide {
  readonly plan: WorldPlan;
  readonly subject: Subject;
  readonly clock: Clock;
  readonly transport: MemoryTransport;
  readonly logs: Logs;
  readonly saw: (event: Event) => void;
}

/** What it cannot start without is not there at present. */
const away: ReadonlySet<ErrorCode> = new Set(['transport_unavailable', 'registry_unavailable']);
/** After so long without a sign the group throws a member out. */
const sessionMs = 2_000;
/** What a pipeline has when it is told nothing: see `StartOptions`. */
const defaultCaps = { maxRecordsInFlight: 10_000, maxBytesInFlight: 64 * 1024 * 1024, maxAboveWatermark: 20_000 };

/** One app of a run, in a process of its own as far as it can tell. */
export class Member {
  readonly id: number;
  readonly #side: MemberSide;
  readonly #clock: ProcessClock;
  readonly #wire: Wire;
  readonly #caps: typeof defaultCaps;
  #app: App | undefined;
  #open: OpenParts | undefined;
  state: 'starting' | 'alive' | 'leaving' | 'gone' = 'starting';

  constructor(id: number, side: MemberSide) {
    this.id = id;
    this.#side = side;
    this.#clock = new ProcessClock(side.clock);
    this.#wire = new Wire({ app: id, clock: this.#clock, transport: side.transport, logs: side.logs, saw: side.saw });
    this.#caps = { ...defaultCaps, ...side.plan.options };
  }

  /** Resolves when it has started, or cannot because the broker is down. */
  async join(): Promise<void> {
    const { plan, subject, saw } = this.#side;
    const { maxRecordsInFlight: records, maxBytesInFlight: bytes } = this.#caps;
    saw({ kind: 'caps', app: this.id, records, bytes });
    try {
      this.#app = await start(this.#watched(subject.pipeline(this.#appSide())), {
        transport: this.#wire.transport(),
        clock: this.#clock,
        random: seededRandom(plan.seed, 'app', this.id),
        log: silentLog,
        signals: false,
        startPatienceMs: 0, // one that cannot start is gone: a run has no two minutes
        ...plan.options,
      });
      this.state = 'alive';
      this.#app.done.catch((error: unknown) => {
        if (!this.#wire.isCut) saw({ kind: 'broken', why: `app ${String(this.id)} failed: ${messageOf(error)}` });
      });
    } catch (error) {
      this.state = 'gone';
      if (isStreamError(error) && away.has(error.code)) return; // others will do the work
      saw({ kind: 'broken', why: `app ${String(this.id)} could not start: ${messageOf(error)}` });
    }
  }

  expel(noticeMs: number): void {
    const consumer = this.#wire.consumer;
    if (consumer) this.#side.transport.broker.expel(consumer, { noticeMs });
  }

  /** Stands still; longer than its session, and the group goes on without it, which it learns when it goes on. */
  pause(ms: number): void {
    this.#clock.pause(ms);
    if (ms <= sessionMs) return;
    this.#side.clock.schedule(sessionMs, () => {
      if (this.state !== 'alive') return;
      this.#side.saw({ kind: 'fault', name: 'expelled', app: this.id });
      this.expel(ms - sessionMs);
    });
  }

  /** Drains; once it has stopped, nothing may be left of it. */
  async leave(deadlineMs: number): Promise<void> {
    if (!this.#app) return;
    this.state = 'leaving';
    await this.#app.drain({ deadlineMs });
    await sleep(this.#side.clock, 25); // a revoke that the drain has overtaken looks once more
    const { timers } = this.#clock;
    this.state = 'gone';
    const { recordsInFlight, bytesInFlight, bytesAhead, bytesOutgoing, partitions } = this.#app.stats();
    this.#open?.setSourceBlocked('shut');
    const openParts = (this.#open?.nothingMoreCan(0, 100) ?? true) ? 0 : 1;
    const left = { recordsInFlight, bytesInFlight, bytesAhead, bytesOutgoing, partitions, openParts, timers };
    for (const [what, count] of Object.entries(left)) this.#side.saw({ kind: 'left', what: `${what} of app ${String(this.id)}`, count });
  }

  /** Goes without a word. What it still does is cleared away, but reaches nobody. */
  async crash(): Promise<void> {
    await this.#wire.cut();
    await this.leave(0);
  }

  /** For people who look why a run stands still. */
  describe(): string {
    return `app ${String(this.id)}: ${JSON.stringify(this.#app?.stats(), (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : value))}`;
  }

  #appSide(): AppSide {
    const app = this.id;
    return {
      app,
      clock: this.#clock,
      recordAt: (place) => this.#side.logs.recordAt(place),
      called: (record, part, step, together) => {
        this.#side.saw({ kind: 'call', app, record, part, step, together });
        this.#measure();
      },
    };
  }

  #watched(pipeline: Pipeline): Pipeline {
    const process: Pipeline['process'] = (source, resources) => {
      this.#side.saw({ kind: 'built', app: this.id });
      return pipeline.process(this.#watch(source), resources);
    };
    return { ...pipeline, process };
  }

  /** Stands between the source and the first operator. */
  #watch(flow: Observable<Envelope<unknown>>): Observable<Envelope<unknown>> {
    return flow.pipe(
      tap((envelope) => {
        this.#open = runOf(envelope).open;
        const record = this.#side.logs.recordAt(envelope.position);
        if (record === undefined)
          this.#side.saw({ kind: 'broken', why: `app ${String(this.id)} was given a record that is not in the log` });
        else this.#emitted(record, envelope);
        this.#measure();
      }),
    );
  }

  #emitted(record: number, { position: { epoch }, headers }: Envelope<unknown>): void {
    const from = this.#wire.copyOf(headers);
    const how = from === undefined ? {} : { from, atMs: this.#clock.nowMs() };
    this.#side.saw({ kind: 'emitted', app: this.id, epoch, record, ...how });
  }

  #measure(): void {
    const stats = this.#app?.stats();
    if (!stats) return;
    const { maxRecordsInFlight, maxBytesInFlight, maxAboveWatermark } = this.#caps;
    const { plan, saw } = this.#side;
    const held = (what: string, count: number, most: number): void => {
      if (count > most) saw({ kind: 'held', app: this.id, what, count, most });
    };
    held('records', stats.recordsInFlight, maxRecordsInFlight);
    if (stats.recordsInFlight > 1) held('bytes', stats.bytesInFlight, maxBytesInFlight);
    const read = plan.inputs.length + (plan.retryTopics?.length ?? 0);
    held('settled beyond', stats.settledBeyond, maxAboveWatermark * plan.partitions * read);
  }
}
