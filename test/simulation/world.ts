import { memory, type MemoryTransport } from '../../src/transport/memory/memory.ts';
import { type VirtualClock, virtualClock } from '../../src/virtual-clock.ts';
import { type CountedClock, countedClock } from './counted-clock.ts';
import type { Event } from './history.ts';
import { Member } from './member.ts';
import type { Deed, Plan } from './plan.ts';
import { group, Topics } from './topics.ts';

const startMs = 1_000_000;
const mostMembers = 4;

/** Runs one plan in virtual time and writes down what can be seen from outside. */
export class World {
  readonly history: Event[] = [];
  readonly clock: VirtualClock;
  readonly #plan: Plan;
  readonly #counted: CountedClock;
  readonly #transport: MemoryTransport;
  readonly #topics: Topics;
  readonly #members: Member[] = [];
  readonly #pending: Promise<unknown>[] = [];

  constructor(plan: Plan) {
    this.#plan = plan;
    this.clock = virtualClock(startMs);
    this.#counted = countedClock(this.clock);
    this.#transport = memory({ clock: this.#counted, partitions: plan.partitions, maxFetchRecords: plan.maxFetchRecords });
    this.#topics = new Topics(plan, this.#transport, this.#saw);
  }

  async run(): Promise<readonly Event[]> {
    await this.#topics.create();
    const [first, ...deeds] = this.#plan.deeds;
    if (first) this.#perform(first);
    this.#join();
    for (const deed of deeds) {
      await this.clock.advance(Math.max(0, startMs + deed.atMs - this.clock.nowMs()));
      this.#perform(deed);
    }
    await this.clock.advance(5_000);
    await this.#recover();
    await this.#settleDown();
    this.#topics.read();
    return this.history;
  }

  readonly #saw = (event: Event): void => {
    this.history.push(event);
  };

  #perform(deed: Deed): void {
    switch (deed.do) {
      case 'feed':
        this.#topics.feed(deed.records);
        return;
      case 'skip':
        this.#transport.broker.skipOffsets('in', deed.partition, deed.count);
        return;
      case 'joined':
        if (this.#alive().length >= mostMembers) return;
        this.#join();
        this.#saw({ kind: 'fault', name: this.#isHasty() ? 'moved-in-haste' : 'joined' });
        return;
      case 'left':
      case 'left-in-haste':
      case 'crashed':
      case 'expelled':
        this.#remove(deed);
        return;
      default:
        this.#saw({ kind: 'fault', name: deed.do });
        this.#trouble(deed);
    }
  }

  #trouble({ do: what, count, ms }: Deed & { readonly count: number; readonly ms: number }): void {
    const { broker } = this.#transport;
    if (what === 'down') broker.down();
    else if (what === 'slow-acks') broker.delayAcknowledgements(ms);
    else if (what === 'slow-fetches') broker.delayFetches(ms);
    else if (what === 'send-lost' || what === 'send-written') broker.failSends(count, { written: what === 'send-written' });
    else broker.failCommits(count, { stored: what === 'commit-stored' });
    this.clock.schedule(ms + 500, () => {
      if (what === 'down') broker.up();
      if (what === 'slow-acks') broker.delayAcknowledgements(0);
      if (what === 'slow-fetches') broker.delayFetches(0);
    });
  }

  // members

  #alive(): readonly Member[] {
    return this.#members.filter(({ state }) => state === 'alive');
  }

  #join(): void {
    const member = new Member(this.#members.length, {
      plan: this.#plan,
      clock: this.clock,
      transport: this.#transport,
      topics: this.#topics,
      saw: this.#saw,
    });
    this.#members.push(member);
    this.#pending.push(member.join());
  }

  #remove(deed: Extract<Deed, { readonly which: number }>): void {
    const alive = this.#alive();
    const member = alive[deed.which % Math.max(1, alive.length)];
    if (!member) return;
    const name = deed.do === 'left' && this.#isHasty() ? 'moved-in-haste' : deed.do;
    this.#saw({ kind: 'fault', name, app: member.id });
    if (deed.do === 'expelled') {
      member.expel(deed.ms);
      return;
    }
    if (deed.do === 'crashed') this.#pending.push(member.crash());
    else this.#pending.push(member.leave(deed.do === 'left' ? 3_600_000 : Math.min(deed.ms, 500)));
    if (alive.length === 1) this.#join();
  }

  /** Whether what is in flight may be given back when its partition moves: time is short, or the stream may end on its way out. */
  #isHasty(): boolean {
    const { options, deadlineMs, stages } = this.#plan;
    return options.revokeDeadlineMs < 30_000 || deadlineMs < 600_000 || stages.some(({ kind }) => kind === 'early' || kind === 'unguarded');
  }

  // the end

  async #recover(): Promise<void> {
    const { broker } = this.#transport;
    broker.up();
    broker.delayAcknowledgements(0);
    broker.delayFetches(0);
    await this.clock.advance(5_000);
    if (this.#alive().length === 0) this.#join();
    for (let i = 0; i < 400 && this.#topics.behind().length > 0; i += 1) await this.clock.advance(10_000);
    const behind = this.#topics.behind();
    if (behind.length === 0) return;
    const apps = this.#alive().map((member) => member.describe());
    this.#saw({ kind: 'broken', why: `the run stands still: ${[...behind, ...apps].join('; ')}` });
  }

  async #settleDown(): Promise<void> {
    for (let i = 0; i < 10 && this.#members.some(({ state }) => state === 'starting'); i += 1) await this.clock.advance(1_000);
    for (const member of this.#alive()) this.#pending.push(member.leave(60_000));
    const end = { reached: false };
    void Promise.allSettled(this.#pending).then(() => {
      end.reached = true;
    });
    for (let i = 0; i < 200 && !end.reached; i += 1) await this.clock.advance(1_000);
    const count = this.#members.filter(({ state }) => state !== 'gone').length;
    this.#saw({ kind: 'left', what: 'apps that did not stop', count });
    this.#saw({ kind: 'left', what: 'timers of the broker', count: this.#counted.timers });
    this.#saw({ kind: 'left', what: 'members of the group', count: this.#transport.broker.members(group).length });
  }
}
