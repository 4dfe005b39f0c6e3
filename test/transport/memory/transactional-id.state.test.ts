import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Committed } from '../../../src/transport/memory/group.state.ts';
import { type Ended, TransactionalId } from '../../../src/transport/memory/transactional-id.state.ts';

const writer = fc.nat({ max: 9 });
const command = fc.oneof(
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('fence' as const), timeoutMs: fc.integer({ min: 1, max: 50 }) }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('write' as const), writer, partition: fc.constantFrom('t/0', 't/1', 'u/0') }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('store' as const),
      writer,
      group: fc.constantFrom('g', 'h'),
      offset: fc.bigInt({ min: 0n, max: 9n }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('prepare' as const), writer }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('complete' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('abort' as const), writer }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('expire' as const), afterMs: fc.nat({ max: 40 }) }) },
);
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

/** What one transaction has to hold, written down apart from the machine. */
interface Begun {
  readonly transaction: number;
  readonly epoch: number;
  readonly endMs: number;
  readonly wrote: Set<string>;
  readonly offsets: Map<string, Map<string, Committed>>;
  decided: boolean;
}

class Model {
  readonly id = new TransactionalId();
  /** Epochs that were given out, the latest last. */
  readonly epochs: number[] = [];
  readonly over: number[] = [];
  nowMs = 0;
  last = 0;
  timeoutMs = 0;
  /** False after an expiry, until the next fence: nobody may write. */
  hasWriter = false;
  present: Begun | undefined;

  readonly next = (): number => {
    this.last += 1;
    return this.last;
  };

  epochOf(who: number): number | undefined {
    return this.epochs[this.epochs.length - 1 - who];
  }

  mayAct(epoch: number): boolean {
    return this.hasWriter && epoch === this.epochs.at(-1);
  }

  ends(ended: Ended | undefined, committed: boolean): void {
    const { present } = this;
    this.present = undefined;
    expect(ended).toEqual(present && { transaction: present.transaction, committed, wrote: [...present.wrote], offsets: present.offsets });
    if (!ended) return;
    expect(this.over).not.toContain(ended.transaction);
    this.over.push(ended.transaction);
  }

  enter(epoch: number, answer: unknown): Begun | undefined {
    if (!this.mayAct(epoch)) expect(answer).toBe('fenced');
    else if (this.present?.decided === true) expect(answer).toBe('busy');
    else {
      this.present ??= {
        transaction: this.last,
        epoch,
        endMs: this.nowMs + this.timeoutMs,
        wrote: new Set(),
        offsets: new Map(),
        decided: false,
      };
      expect(this.present.epoch).toBe(epoch);
      return this.present;
    }
    return undefined;
  }
}

function apply(model: Model, step: Command): void {
  const { id } = model;
  if (step.kind === 'fence') {
    const { epoch, ended } = id.fence(step.timeoutMs);
    for (const old of model.epochs) expect(epoch).toBeGreaterThan(old);
    model.ends(ended, model.present?.decided === true);
    model.epochs.push(epoch);
    model.hasWriter = true;
    model.timeoutMs = step.timeoutMs;
  } else if (step.kind === 'complete') {
    if (model.present?.decided === true) model.ends(id.complete(), true);
    else expect(id.complete()).toBeUndefined();
  } else if (step.kind === 'expire') {
    model.nowMs += step.afterMs;
    const due = model.present && !model.present.decided && model.nowMs >= model.present.endMs;
    const ended = id.expire(model.nowMs);
    if (!due) {
      expect(ended).toBeUndefined();
      return;
    }
    model.ends(ended, false);
    model.hasWriter = false;
  } else asWriter(model, step);
}

function asWriter(model: Model, step: Exclude<Command, { readonly kind: 'fence' | 'complete' | 'expire' }>): void {
  const { id } = model;
  const epoch = model.epochOf(step.writer);
  if (epoch === undefined) return;
  expect(id.isCurrent(epoch)).toBe(model.mayAct(epoch));
  if (step.kind === 'write') {
    const answer = id.wrote(epoch, step.partition, model.next, model.nowMs);
    const present = model.enter(epoch, answer);
    if (!present) return;
    expect(answer).toBe(present.transaction);
    present.wrote.add(step.partition);
  } else if (step.kind === 'store') {
    const committed = { offset: step.offset, metadata: 'm' };
    const answer = id.stored(epoch, step.group, new Map([['t/0', committed]]), model.next, model.nowMs);
    const present = model.enter(epoch, answer);
    if (!present) return;
    expect(answer).toBe('stored');
    present.offsets.set(step.group, new Map([...(present.offsets.get(step.group) ?? []), ['t/0', committed]]));
  } else if (!model.mayAct(epoch)) expect(step.kind === 'prepare' ? id.prepare(epoch) : id.abort(epoch)).toBe('fenced');
  else if (step.kind === 'prepare') {
    expect(id.prepare(epoch)).toBe(model.present ? 'prepared' : 'empty');
    if (model.present) model.present.decided = true;
  } else if (!model.present) expect(id.abort(epoch)).toBe('empty');
  else {
    const ended = id.abort(epoch);
    model.ends(typeof ended === 'string' ? undefined : ended, model.present.decided); // what is decided cannot be undone
  }
}

describe('TransactionalId', () => {
  it('lets one writer act, ends each transaction once with all that it holds, and commits what was decided and nothing else', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 60 }), (steps) => {
        const model = new Model();
        for (const step of steps) {
          apply(model, step);
          expect(model.id.deadlineMs).toBe(model.present && !model.present.decided ? model.present.endMs : undefined);
        }
        const open = model.present ? 1 : 0;
        expect(model.over.length + open).toBe(model.last); // none is lost, none begins without a number
      }),
      { numRuns: 2000 },
    );
  });
});
