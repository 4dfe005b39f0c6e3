import { describe, expect, it, vi } from 'vitest';
import { keepsNotes, type NoteKeeper } from '../../../src/policies/partition-notes.ts';
import { tokenBudget } from '../../../src/policies/token-budget.ts';
import { virtualClock } from '../../../src/testing.ts';

function setUp(partitions = 2, mostPartitions?: number) {
  const clock = virtualClock();
  const budget = tokenBudget({
    tokensPerMinute: 1000,
    jitterMs: 0,
    clockSkewMs: 0,
    sharedBy: 'partitions',
    ...(mostPartitions === undefined ? {} : { mostPartitions }),
  });
  const keeper = Reflect.get(budget, keepsNotes) as NoteKeeper;
  const all = Array.from({ length: partitions }, (_, partition) => ({ topic: 'in', partition }));
  const changed = vi.fn();
  const trouble = vi.fn<(why: string | undefined) => void>();
  const detach = keeper.attach({ clock, partitions: all, commitIntervalMs: 200, changed, trouble });
  const granted = vi.fn();
  const failed = vi.fn<(error: Error) => void>();
  const ask = (tokens: number) => budget.acquire({ tokens, clock, hold: () => undefined, granted, failed });
  return { clock, budget, keeper, changed, trouble, detach, granted, failed, ask };
}
const first = { topic: 'in', partition: 0 };
const second = { topic: 'in', partition: 1 };

describe('a token budget that is shared by partitions', () => {
  it('grants when the lease that it asked for is stored', () => {
    const { keeper, changed, granted, ask } = setUp();
    const note = keeper.gained(first, undefined);
    expect(note.isBehind).toBe(false);
    ask(300);
    expect([note.isBehind, changed.mock.calls.length > 0, granted.mock.calls.length]).toEqual([true, true, 0]);
    const written = note.write();
    expect(granted).not.toHaveBeenCalled();
    written.stored();
    expect(granted).toHaveBeenCalledOnce();
  });

  it('waits for the next lease when one could not be stored', () => {
    const { keeper, granted, ask } = setUp();
    const note = keeper.gained(first, undefined);
    ask(300);
    note.write().failed();
    expect([note.isBehind, granted.mock.calls.length]).toEqual([true, 0]);
    note.write().stored();
    expect(granted).toHaveBeenCalledOnce();
  });

  it('hands on to another instance what was spent', () => {
    const [one, other] = [setUp(), setUp()];
    const note = one.keeper.gained(first, undefined);
    const share = one.ask(300);
    note.write().stored();
    share.settle(120);
    note.leave();
    const { text, stored } = note.write();
    stored();
    expect(note.isBehind).toBe(false);
    note.lose();
    other.keeper.gained(first, text);
    expect(other.budget.describe(0).numbers).toMatchObject({ tokens_left: 380 });
  });

  it('draws on all partitions that it owns', () => {
    const { keeper, granted, ask } = setUp();
    const notes = [keeper.gained(first, undefined), keeper.gained(second, undefined)];
    ask(800);
    for (const note of notes) note.write().stored();
    expect(granted).toHaveBeenCalledOnce();
  });

  it('fails a call that is larger than its share, once a window has brought no more partitions', async () => {
    const { clock, keeper, budget, failed, granted, ask } = setUp();
    keeper.gained(first, undefined);
    ask(501);
    ask(1);
    await clock.advance(59_000);
    expect(failed).not.toHaveBeenCalled();
    await clock.advance(3_000);
    expect(failed).toHaveBeenCalledOnce();
    expect(failed.mock.calls[0]?.[0]).toMatchObject({ code: 'call_too_large' });
    expect([budget.waiting, granted.mock.calls.length]).toEqual([1, 0]); // the next one waits for its lease
  });

  it('is for one pipeline at a time, and for no more partitions than there is to share', () => {
    const { keeper, detach } = setUp();
    const group = { clock: virtualClock(), partitions: [first], commitIntervalMs: 1, changed: () => undefined, trouble: () => undefined };
    expect(() => keeper.attach(group)).toThrow('is for one pipeline at a time');
    detach();
    keeper.attach(group)();
    const many = Array.from({ length: 1001 }, (_, partition) => ({ topic: 'in', partition }));
    expect(() => keeper.attach({ ...group, partitions: many })).toThrow('each of the 1001 partitions must have 1 at least');
  });

  it('lets calls wait, and says why, where it owns nothing but partitions that were added', async () => {
    const { clock, keeper, trouble, failed, granted, ask } = setUp();
    const added = keeper.gained({ topic: 'in', partition: 2 }, undefined);
    expect(trouble.mock.lastCall?.[0]).toContain('in/2 came after the start and has no share');
    ask(100);
    await clock.advance(200_000);
    expect([failed.mock.calls.length, granted.mock.calls.length]).toEqual([0, 0]);
    const note = keeper.gained(first, undefined);
    note.write().stored();
    expect(granted).toHaveBeenCalledOnce();
    added.lose();
    expect(trouble.mock.lastCall).toEqual([undefined]);
  });

  it('has a share for each partition that there may ever be, with mostPartitions', () => {
    const { keeper, trouble, budget, granted, ask } = setUp(2, 4);
    const notes = [0, 1, 2, 3, 4].map((partition) => keeper.gained({ topic: 'in', partition }, undefined));
    ask(1000);
    for (const note of notes) note.write().stored();
    expect(granted).toHaveBeenCalledOnce();
    expect(budget.spent(0).tokens).toBe(1000);
    expect(trouble.mock.lastCall?.[0]).toContain('in/4');
  });

  it.each([
    ['more partitions than mostPartitions', 1, 'tokenBudget.mostPartitions must be as many as topic in has at least, got 1'],
    ['more shares than there is to share', 2_000, 'each of the 2000 partitions must have 1 at least'],
  ])('refuses %s', (_, most, message) => {
    expect(() => setUp(2, most)).toThrow(message);
  });

  it('refuses a note that it did not write', () => {
    const { keeper } = setUp();
    expect(() => keeper.gained(first, 'what')).toThrow(RangeError);
  });
});
