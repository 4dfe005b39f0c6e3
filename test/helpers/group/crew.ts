import { join } from 'node:path';
import { startWorker, type Worker } from '../worker.ts';
import { type LoggedCall, nowUs, readCallLog } from './call-log.ts';
import type { Case, WorkerCase } from './case.ts';

const dismissMs = 60_000;

/** From when a process was told to stand still, to just before it was told to go on. */
export interface Pause {
  readonly who: string;
  readonly fromUs: number;
  readonly untilUs: number;
}

/** One worker process, in the group or out of it. */
export class Hand {
  readonly who: string;
  readonly callLog: string;
  readonly worker: Worker;
  /** What it was last told; it does so when it has done what it was told before. */
  isIn = false;
  killedUs: number | undefined;

  constructor(who: string, given: Case, folder: string) {
    this.who = who;
    this.callLog = join(folder, `${given.group}.${who}.calls`);
    const whole: WorkerCase = { ...given, who, callLog: this.callLog };
    this.worker = startWorker(new URL('worker.ts', import.meta.url), whole);
  }

  join(): void {
    this.isIn = true;
    this.worker.say('join');
  }

  leave(): void {
    this.isIn = false;
    this.worker.say('leave');
  }
}

/** The worker processes of a proof, and what becomes of them. */
export class Crew {
  readonly #given: Case;
  readonly #folder: string;
  readonly #hands: Hand[] = [];
  readonly pauses: Pause[] = [];
  #kills = 0;

  constructor(given: Case, folder: string) {
    this.#given = given;
    this.#folder = folder;
  }

  get kills(): number {
    return this.#kills;
  }

  get alive(): readonly Hand[] {
    return this.#hands.filter(({ killedUs }) => killedUs === undefined);
  }

  /** Workers that ended though nobody ended them. */
  get fallen(): readonly string[] {
    return this.alive.filter(({ worker }) => worker.gone).map(({ who }) => who);
  }

  /** New processes that stand ready, not in the group yet: starting one takes a core for a second. */
  async ready(count: number): Promise<readonly Hand[]> {
    const hands = Array.from({ length: count }, () => this.hire());
    await Promise.all(hands.map(({ worker }) => worker.next('ready')));
    return hands;
  }

  /** A new process, not in the group yet. */
  hire(): Hand {
    const hand = new Hand(`w${String(this.#hands.length + 1)}`, this.#given, this.#folder);
    this.#hands.push(hand);
    return hand;
  }

  async joined(count: number): Promise<readonly Hand[]> {
    const hands = Array.from({ length: count }, () => this.hire());
    for (const hand of hands) hand.join();
    await Promise.all(hands.map(({ worker }) => worker.next('joined')));
    return hands;
  }

  async kill(hand: Hand): Promise<void> {
    hand.isIn = false;
    this.#kills += 1;
    process.kill(hand.worker.pid, 'SIGKILL');
    await hand.worker.end();
    hand.killedUs = nowUs();
  }

  /** Stops a process and lets it go on, as a machine that is starved or asleep does. */
  async pause(hand: Hand, forMs: number): Promise<void> {
    const fromUs = nowUs();
    process.kill(hand.worker.pid, 'SIGSTOP');
    try {
      await new Promise((resolve) => setTimeout(resolve, forMs));
    } finally {
      this.pauses.push({ who: hand.who, fromUs, untilUs: nowUs() });
      process.kill(hand.worker.pid, 'SIGCONT');
    }
  }

  /** Lets all leave the group in order, and ends them. */
  async dismiss(): Promise<void> {
    await Promise.all(
      this.alive.map(async (hand) => {
        if (hand.isIn) hand.leave();
        hand.worker.say('end');
        await hand.worker.end(dismissMs);
      }),
    );
  }

  /** Every call of every worker; one that was cut off by a kill ends with the process. */
  async calls(): Promise<readonly LoggedCall[]> {
    const logs = await Promise.all(this.#hands.map(async ({ who, callLog }) => readCallLog(callLog, who)));
    const deaths = new Map(this.#hands.map(({ who, killedUs }) => [who, killedUs ?? Number.POSITIVE_INFINITY]));
    return logs
      .flat()
      .map((call) => (call.end === 'open' ? { ...call, endUs: deaths.get(call.who) ?? call.endUs } : call))
      .sort((a, b) => a.startUs - b.startUs);
  }
}
