import { describe, expect, it } from 'vitest';
import { setContext } from '../../operators/index.ts';
import { contextHeaders } from '../../src/record/record-context.ts';
import { feed } from '../helpers/feed.ts';
import { describeGuarded, isEven } from './describe-guarded.ts';

describeGuarded({
  name: 'setContext',
  operator: () => setContext((value: number) => (isEven(value) ? { priority: value } : {})),
  values: [1, 20, 4],
  out: [1, 20, 4],
  passes: 2,
  consumed: 2,
});

describe('setContext', () => {
  it('lays its fields over those of the headers, and takes away what is undefined', () => {
    const fed = feed<number, number>(setContext((value: number) => ({ tenant: `t${String(value)}`, identity: undefined })));
    const headers = contextHeaders({ tenant: 'theirs', identity: 'ann', requestId: 'r1' });
    fed.source.next(fed.run.envelope(1, { headers }));
    fed.source.next(fed.run.envelope(2));
    expect(fed.out.map(({ context }) => context)).toEqual([{ tenant: 't1', requestId: 'r1' }, { tenant: 't2' }]);
  });

  it('fails the record whose context does not fit', () => {
    const fed = feed<number, number>(setContext((value: number) => ({ priority: value })));
    fed.send(1.5, 2);
    expect(fed.outcomes()).toEqual(['failed: project_threw', 'done']);
    expect(fed.run.failures[0]?.message).toMatch('context.priority must be an integer from -1000 to 1000');
  });

  it('says which fields there are to one who misspells', () => {
    const fed = feed<number, number>(setContext(() => ({ tennant: 'x' }) as object));
    fed.send(1);
    expect(fed.run.failures[0]?.message).toMatch('context has no field tennant; it takes deadlineMs, requestId,');
  });

  it('gives the record its deadline, the earlier one counting', async () => {
    const fed = feed<number, number>(
      setContext((value: number) => ({ deadlineMs: value })),
      { keep: true },
    );
    fed.send(5_000, 5_000_000);
    expect(fed.out.map(({ deadlineMs }) => deadlineMs)).toEqual([5_000, 600_000]);
    await fed.run.clock.advance(0);
  });
});
