import type { Schedule, ScheduleUse } from '../../src/policies/schedule.ts';
import type { Job } from '../../src/policies/schedule.state.ts';
import { type Envelope, runOf, take } from '../../src/record/envelope.ts';
import { isLive, type Taken, type WaitingCalls } from './call-queue.ts';
import { fail, threw } from './fail.ts';

/** One that waits or runs in the order of a schedule. */
interface Scheduled<T, K> extends Taken<T, K> {
  job: Job<Scheduled<T, K>> | undefined;
  /** Its call was taken back: its record's time stands still until this is called. */
  goOn: (() => void) | undefined;
}

const firstSweepAt = 1024;

/** In the order of a schedule. */
export class ScheduledQueue<T, K> implements WaitingCalls<T, K> {
  readonly #schedule: Schedule<T>;
  readonly #use: ScheduleUse<Scheduled<T, K>>;
  #sweepAt = firstSweepAt;

  constructor(schedule: Schedule<T>, places: number) {
    this.#schedule = schedule;
    this.#use = schedule.use(places);
  }

  get isEmpty(): boolean {
    return this.#use.state.waiting === 0;
  }

  push(envelope: Envelope<T, K>): Taken<T, K> | undefined {
    const { state } = this.#use;
    const handle = take(envelope);
    handle.part.at('queued');
    const one: Scheduled<T, K> = { envelope, handle, takeBack: undefined, job: undefined, goOn: undefined };
    try {
      const arrival = handle.part.roots[0]?.arrival ?? { takenMs: runOf(envelope).clock.nowMs(), number: 0 };
      one.job = state.add(one, this.#schedule.factsOf(envelope.value, envelope, arrival));
    } catch (error) {
      fail(envelope, handle, threw('schedule', error));
      return undefined;
    }
    if (state.waiting >= this.#sweepAt) {
      // without this, each revoke would add a window of dead records while the calls before them run
      state.sweep(isLive);
      this.#sweepAt = Math.max(firstSweepAt, state.waiting * 2);
    }
    return one;
  }

  next(): Taken<T, K> | undefined {
    const { state } = this.#use;
    let job = state.next();
    while (job && !isLive(job.item)) {
      state.end(job);
      job = state.next();
    }
    job?.item.goOn?.();
    return job?.item;
  }

  end(one: Taken<T, K>): void {
    const { job } = one as Scheduled<T, K>; // every one of this queue's is
    if (job) this.#use.state.end(job);
  }

  displace(one: Taken<T, K>): Taken<T, K> | undefined {
    const { job } = one as Scheduled<T, K>;
    const { state } = this.#use;
    if (!this.#schedule.preempts || job === undefined) return undefined;
    for (let victim = state.victimFor(job); victim; victim = state.victimFor(job)) {
      if (victim.item.takeBack?.() !== true) {
        state.keep(victim);
        continue;
      }
      victim.item.goOn = victim.item.handle.part.suspend(); // it is no fault of its own that it waits again
      this.#use.preempted();
      state.sendBack(victim);
      return state.startNow(job) ? one : this.next(); // the end of the call may have freed another place, and taken it
    }
    return undefined;
  }

  clear(): void {
    this.#use.state.sweep(({ handle, goOn }) => {
      goOn?.();
      handle.part.at('flowing');
      return false;
    });
    this.#use.end();
  }
}
