import { watchNothing } from '../record/handle.ts';
import { memory, type MemoryTransport } from '../transport/memory/memory.ts';
import { type VirtualClock, virtualClock } from '../virtual-clock.ts';
import type { Deed, FaultDeed, WorldPlan } from './deed.ts';
import type { Event } from './history.ts';
import { Logs } from './logs.ts';
import { Member } from './member.ts';
import { ProcessClock } from './process-clock.ts';
import type { Subject } from './subject.ts';

/** When a run begins: a time that no zero is mistaken for. */
export const worldStartMs = 1_000_000;
const mostMembers = 4;

/** Runs one plan in virtual time and writes down what can be seen from outside. Everything in it is decided by its arguments. */
export class World {
  readonly history: Event[] = [];
  readonly #clock: VirtualClock;
  readonly #plan: WorldPlan;
  readonly #subject: Subject;
  readonly #brokerClock: ProcessClock;
  readonly #transport: MemoryTransport;
  readonly #logs: Logs;
  readonly #members: Member[] = [];
  readonly #pending: Promise<unknown>[] = [];
  #busyMs = 0;

  constructor(plan: WorldPlan, subject: Subject) {
    this.#plan = plan;
    this.#subject = subject;
    this.#clock = virtualClock(worldStartMs);
    this.#brokerClock = new ProcessClock(this.#clock);
    this.#transport = memory({ clock: this.#brokerClock, partitions: plan.partitions, maxFetchRecords: plan.maxFetchRecords });
    this.#logs = new Logs(plan, subject, this.#transport, this.#saw);
  }

  /** How long there was work, as far as it was done within 5 s of the last deed. */
  get busyMs(): number {
    return this.#busyMs;
  }

  async run(): Promise<readonly Event[]> {
    const watchAgain = watchNothing();
    try {
      await this.#run();
    } finally {
      watchAgain();
    }
    return this.history;
  }

  async #run(): Promise<void> {
    if (this.#plan.delivery !== undefined) this.#saw({ kind: 'promised', delivery: this.#plan.delivery });
    await this.#logs.create();
    const [first, ...deeds] = this.#plan.deeds;
    if (first?.do === 'feed') this.#perform(first);
    this.#join();
    for (const deed of first?.do === 'feed' ? deeds : this.#plan.deeds) {
      await this.#clock.advance(Math.max(0, worldStartMs + deed.atMs - this.#clock.nowMs()));
      this.#perform(deed);
    }
    await this.#workOff();
    await this.#recover();
    await this.#settleDown();
    this.#logs.lookAtCommits();
    this.#logs.read();
  }

  readonly #saw = (event: Event): void => {
    this.history.push(event);
  };

  #perform(deed: Deed): void {
    switch (deed.do) {
      case 'feed':
        this.#logs.feed(deed.records);
        return;
      case 'skip':
        this.#transport.broker.skipOffsets(deed.topic, deed.partition, deed.count);
        return;
      case 'joined':
        if (this.#alive().length >= mostMembers) return;
        this.#join();
        this.#saw({ kind: 'fault', name: this.#plan.isHasty ? 'moved-in-haste' : 'joined' });
        return;
      case 'left':
      case 'left-in-haste':
      case 'crashed':
      case 'expelled':
      case 'paused':
        this.#befall(deed);
        return;
      default:
        this.#saw({ kind: 'fault', name: deed.do });
        this.#trouble(deed);
    }
  }

  #trouble({ do: what, count, ms }: FaultDeed): void {
    const { broker } = this.#transport;
    if (what === 'down') broker.down();
    else if (what === 'slow-acks') broker.delayAcknowledgements(ms);
    else if (what === 'slow-fetches') broker.delayFetches(ms);
    else if (what === 'send-lost' || what === 'send-written') broker.failSends(count, { written: what === 'send-written' });
    else if (what === 'commit-lost' || what === 'commit-stored') broker.failCommits(count, { stored: what === 'commit-stored' });
    else if (what === 'transaction-lost' || what === 'transaction-committed')
      broker.failTransactions(count, { committed: what === 'transaction-committed' });
    else if (what === 'slow-transactions') broker.delayTransactions(ms);
    else if (what === 'slow-markers') broker.delayCompletion(ms);
    else if (what === 'registry-down') this.#subject.registries?.(false);
    else return; // a storm is the models' affair
    this.#clock.schedule(ms + 500, () => {
      if (what === 'down') broker.up();
      if (what === 'slow-acks') broker.delayAcknowledgements(0);
      if (what === 'slow-fetches') broker.delayFetches(0);
      if (what === 'slow-transactions') broker.delayTransactions(0);
      if (what === 'slow-markers') broker.delayCompletion(0);
      if (what === 'registry-down') this.#subject.registries?.(true);
    });
  }

  // members

  #alive(): readonly Member[] {
    return this.#members.filter(({ state }) => state === 'alive');
  }

  #join(): void {
    const member = new Member(this.#members.length, {
      plan: this.#plan,
      subject: this.#subject,
      clock: this.#clock,
      transport: this.#transport,
      logs: this.#logs,
      saw: this.#saw,
    });
    this.#members.push(member);
    this.#pending.push(member.join());
  }

  #befall(deed: FaultDeed): void {
    const alive = this.#alive();
    const member = alive[deed.which % Math.max(1, alive.length)];
    if (!member) return;
    const name = deed.do === 'left' && this.#plan.isHasty ? 'moved-in-haste' : deed.do;
    this.#saw({ kind: 'fault', name, app: member.id });
    if (deed.do === 'expelled') member.expel(deed.ms);
    if (deed.do === 'paused') member.pause(deed.ms);
    if (deed.do === 'expelled' || deed.do === 'paused') return;
    if (deed.do === 'crashed') this.#pending.push(member.crash());
    else this.#pending.push(member.leave(deed.do === 'left' ? 3_600_000 : Math.min(deed.ms, 500)));
    if (alive.length === 1) this.#join();
  }

  // the end

  async #workOff(): Promise<void> {
    for (let i = 0; i < 50; i += 1) {
      await this.#clock.advance(100);
      if (this.#logs.behind().length > 0) this.#busyMs = this.#clock.nowMs() - worldStartMs;
    }
  }

  async #recover(): Promise<void> {
    const { broker } = this.#transport;
    broker.up();
    broker.delayAcknowledgements(0);
    broker.delayFetches(0);
    broker.delayTransactions(0);
    broker.delayCompletion(0);
    this.#subject.registries?.(true);
    await this.#clock.advance(5_000);
    if (this.#alive().length === 0) this.#join();
    const waits = (this.#plan.retryTopics ?? []).reduce((sum, { delayMs }) => sum + delayMs, 0);
    const stepMs = 10_000 + Math.ceil(waits / 100);
    for (let i = 0; i < 400 && this.#logs.behind().length > 0; i += 1) await this.#clock.advance(stepMs);
    const behind = this.#logs.behind();
    if (behind.length === 0) return;
    if (this.#members.every(({ state }) => state === 'starting' || state === 'gone'))
      this.#saw({
        kind: 'broken',
        why: 'no member has started: a resource that opens in real time, such as a real model, cannot be simulated',
      });
    const apps = this.#alive().map((member) => member.describe());
    this.#saw({
      kind: 'broken',
      why: `the run stands still: ${[...behind, ...apps].join('; ')} (timers, sockets and files of the real world do not move in virtual time: wait by the clock, and answer by scripted resources)`,
    });
  }

  async #settleDown(): Promise<void> {
    for (let i = 0; i < 10 && this.#members.some(({ state }) => state === 'starting'); i += 1) await this.#clock.advance(1_000);
    for (const member of this.#alive()) this.#pending.push(member.leave(60_000));
    const end = { reached: false };
    void Promise.allSettled(this.#pending).then(() => {
      end.reached = true;
    });
    for (let i = 0; i < 200 && !end.reached; i += 1) await this.#clock.advance(1_000);
    const count = this.#members.filter(({ state }) => state !== 'gone').length;
    this.#saw({ kind: 'left', what: 'apps that did not stop', count });
    this.#saw({ kind: 'left', what: 'timers of the broker', count: this.#brokerClock.timers });
    this.#saw({ kind: 'left', what: 'members of the group', count: this.#transport.broker.members(this.#plan.groupId).length });
  }
}
