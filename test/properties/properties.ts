import { Lanes } from '../../src/flow/lanes.state.ts';
import { OffsetTracker } from '../../src/flow/offset-tracker.state.ts';
import { Lifecycle, type LifecycleState } from '../../src/runtime/lifecycle.state.ts';
import { type Random, randomFrom } from '../../src/simulation/random.ts';
import { balance } from '../../src/transport/balance.state.ts';
import { OwnershipState } from '../../src/transport/kafka/ownership.state.ts';
import { mapCase } from './completed-map.ts';

/** One case: so many random events against a state machine and against a model of it. Returns what differs first. */
export type PropertyCase = (random: Random, events: number) => string | undefined;

const differs = (what: string, got: unknown, expected: unknown): string | undefined =>
  Object.is(got, expected) ? undefined : `${what}: got ${String(got)}, expected ${String(expected)}`;

interface Delivered {
  readonly offset: bigint;
  readonly ticket: number;
  done: boolean;
}

/** What a commit would say if some that are open were done, too. */
function standingDiffers(machine: OffsetTracker<number>, start: bigint, records: readonly Delivered[], random: Random): string | undefined {
  const also = new Set(records.flatMap(({ done, ticket }) => (!done && random.chance(0.3) ? [ticket] : [])));
  const { watermark, completed } = machine.standing(also);
  const isDone = ({ done, ticket }: Delivered): boolean => done || also.has(ticket);
  const firstOpen = records.findIndex((record) => !isDone(record));
  const above = firstOpen < 0 ? [] : records.slice(firstOpen);
  const last = firstOpen < 0 ? records.at(-1) : records[firstOpen - 1];
  const isIn = (offset: bigint): boolean => completed.some(({ from, to }) => offset >= from && offset < to);
  const wrong = above.filter((record) => isDone(record) !== isIn(record.offset));
  return differs('standing watermark', watermark, last ? last.offset + 1n : start) ?? differs('wrongly completed', wrong.length, 0);
}

/** The model keeps every record ever delivered, and counts. */
const tracker: PropertyCase = (random, events) => {
  const start = BigInt(random.int(0, 1_000_000));
  const machine = new OffsetTracker<number>(start);
  const records: Delivered[] = [];
  let next = start;
  for (let i = 0; i < events; i += 1) {
    const open = records.filter(({ done }) => !done);
    const one = open[random.int(0, Math.max(0, open.length - 1))];
    if (one && random.chance(0.48)) {
      const problem = differs('whether the watermark moved', machine.settle(one.ticket), one === open[0]);
      if (problem !== undefined) return problem;
      one.done = true;
    } else {
      next += BigInt(random.chance(0.2) ? random.int(1, 50) : 0);
      const done = random.chance(0.1);
      if (done) machine.deliverDone(next, i);
      records.push({ offset: next, ticket: done ? -1 : machine.deliver(next, i), done });
      next += 1n;
    }
    const firstOpen = records.findIndex((record) => !record.done);
    const settled = firstOpen < 0 ? records : records.slice(0, firstOpen);
    const last = settled.at(-1);
    const beyond = records.slice(settled.length).filter((record) => record.done);
    const problem =
      differs('watermark', machine.watermark, last ? last.offset + 1n : start) ??
      differs('unsettled', machine.unsettled, records.length - settled.length - beyond.length) ??
      differs('settled beyond', machine.settledBeyond, beyond.length) ??
      differs('above the watermark', machine.aboveWatermark, records.length - settled.length) ??
      (i % 20 > 0 ? undefined : standingDiffers(machine, start, records, random));
    if (problem !== undefined) return problem;
  }
  return undefined;
};

/** The model is a list of everybody who is in, in the order they came. */
const lanes: PropertyCase = (random, events) => {
  const machine = new Lanes<number>();
  const inside: { readonly id: number; readonly lane: string | undefined; running: boolean }[] = [];
  const isBusy = (lane: string | undefined): boolean => lane !== undefined && inside.some((one) => one.lane === lane);
  for (let i = 0; i < events || inside.length > 0; i += 1) {
    const running = inside.filter((one) => one.running);
    const leaver = running[random.int(0, Math.max(0, running.length - 1))];
    let problem: string | undefined;
    if (leaver && (i >= events || random.chance(0.5))) {
      inside.splice(inside.indexOf(leaver), 1);
      const heir = leaver.lane === undefined ? undefined : inside.find((one) => one.lane === leaver.lane);
      if (heir) heir.running = true;
      problem = differs('who runs next', machine.leave(leaver.lane), heir?.id);
    } else {
      const lane = random.chance(0.1) ? undefined : `key ${String(random.int(1, random.chance(0.5) ? 3 : 100))}`;
      const mayRun = !isBusy(lane);
      problem = differs('whether it may run', machine.enter(lane, i), mayRun);
      inside.push({ id: i, lane, running: mayRun });
    }
    problem ??= differs('waiting', machine.waiting, inside.filter((one) => !one.running).length);
    problem ??= differs('busy', machine.busy, new Set(inside.flatMap(({ lane }) => lane ?? [])).size);
    if (problem !== undefined) return problem;
  }
  return undefined;
};

const steps = 'starting>running starting>draining starting>failed running>draining running>failed draining>stopped draining>failed'.split(
  ' ',
);

/** The model is the list of steps that there are. */
const lifecycle: PropertyCase = (random, events) => {
  const machine = new Lifecycle();
  let state = 'starting';
  let ends = 0;
  for (let i = 0; i < events; i += 1) {
    const next = random.pick<LifecycleState>(['starting', 'running', 'draining', 'stopped', 'failed']);
    const may = steps.includes(`${state}>${next}`);
    const problem = differs(`${state} to ${next}`, machine.to(next), may);
    if (may) state = next;
    if (may && (next === 'stopped' || next === 'failed')) ends += 1;
    const other =
      differs('state', machine.state, state) ??
      differs('ended', machine.ended, ends > 0) ??
      differs('ends more than once', ends > 1, false);
    if (problem !== undefined || other !== undefined) return problem ?? other;
  }
  return undefined;
};

const partitions = ['t/0', 't/1', 't/2', 't/3', 't/4'];

/** Members come, go, are thrown out and drain; no partition has two holders, and in the end each has one. */
const ownership: PropertyCase = (random, events) => {
  const members: OwnershipState[] = [];
  let ids = 0;
  let generation = 0;
  const identify = (member: OwnershipState): void => {
    ids += 1;
    member.identify(`m${String(ids)}`);
  };
  const rebalance = (): void => {
    generation += 1;
    const plan = balance(
      partitions,
      members.map((one) => ({ memberId: one.memberId ?? '', topics: ['t'], ...one.claim() })),
    );
    for (const one of members) for (const gained of one.synced(generation, plan.get(one.memberId ?? '') ?? []).gained) one.started(gained);
  };
  const held = (): readonly string[] => members.flatMap((one) => one.all.map(({ partition }) => String(partition)));
  for (let i = 0; i < events; i += 1) {
    const who = members[random.int(0, Math.max(0, members.length - 1))];
    const what = random.pick(['add', 'leave', 'expel', 'drain', 'drain']);
    if ((!who || what === 'add') && members.length < 4) {
      const fresh = new OwnershipState();
      identify(fresh);
      members.push(fresh);
    } else if (who && what === 'leave') members.splice(members.indexOf(who), 1);
    else if (who && what === 'expel') identify(who);
    else if (who) for (const one of who.all) who.released(one);
    if (members.length > 0) rebalance();
    const all = held();
    if (new Set(all).size !== all.length) return `two members hold one of ${all.join(' ')}`;
  }
  for (let round = 0; round < 3; round += 1) {
    for (const one of members) for (const tenure of one.all) one.released(tenure);
    if (members.length > 0) rebalance();
  }
  return members.length === 0 ? undefined : differs('partitions held in the end', held().length, partitions.length);
};

export const properties: Readonly<Record<string, PropertyCase>> = {
  'the offset tracker': tracker,
  'the map of completed records, over spans of thousands': (random, events) => mapCase(random, events, 8),
  'the map of completed records, over spans of a million': (random, events) => mapCase(random, events, 10_000),
  'key lanes': lanes,
  'the life of a pipeline': lifecycle,
  'ownership and balance': ownership,
};

/** Runs cases up to the first that fails, and says which. */
export function runProperty(name: string, cases: number, events: number): string | undefined {
  for (let n = 1; n <= cases; n += 1) {
    const problem = properties[name]?.(randomFrom(n, name), events);
    if (problem !== undefined) return `case ${String(n)}: ${problem}`;
  }
  return undefined;
}

/** What lanes hold after so many distinct keys have passed. */
export function traceOfKeys(keys: number): number {
  const machine = new Lanes<number>();
  for (let i = 0; i < keys; i += 1) {
    machine.enter(`key ${String(i)}`, i);
    machine.leave(`key ${String(i)}`);
  }
  return machine.busy + machine.waiting;
}
