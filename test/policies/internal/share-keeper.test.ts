import { describe, expect, it, vi } from 'vitest';
import { keepsNotes, type NoteKeeper } from '../../../src/policies/partition-notes.ts';
import { tokenBudget } from '../../../src/policies/token-budget.ts';
import { virtualClock } from '../../../src/testing.ts';

function setUp(partitions = 2) {
  const clock = virtualClock();
  const budget = tokenBudget({ tokensPerMinute: 1000, jitterMs: 0, clockSkewMs: 0, sharedBy: 'partitions' });
  const keeper = Reflect.get(budget, keepsNotes) as NoteKeeper;
  const all = Array.from({ length: partitions }, (_, partition) => ({ topic: 'in', partition }));
  const changed = vi.fn();
  const detach = keeper.attach({ clock, partitions: all, commitIntervalMs: 200, changed });
  const granted = vi.fn();
  const failed = vi.fn<(error: Error) => void>();
  const ask = (tokens: number) => budget.acquire({ tokens, clock, hold: () => undefined, granted, failed });
  return { clock, budget, keeper, changed, detach, granted, failed, ask };
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
    const group = { clock: virtualClock(), partitions: [first], commitIntervalMs: 1, changed: () => undefined };
    expect(() => keeper.attach(group)).toThrow('is for one pipeline at a time');
    detach();
    keeper.attach(group)();
    const many = Array.from({ length: 1001 }, (_, partition) => ({ topic: 'in', partition }));
    expect(() => keeper.attach({ ...group, partitions: many })).toThrow('each of the 1001 partitions must have 1 at least');
  });

  it('refuses a note that it did not write', () => {
    const { keeper } = setUp();
    expect(() => keeper.gained(first, 'what')).toThrow(RangeError);
  });
});
