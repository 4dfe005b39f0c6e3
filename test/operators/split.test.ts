import { describe, expect, it } from 'vitest';
import { keepOnly, mapValue, split } from '../../operators/index.ts';
import { feed } from '../helpers/feed.ts';
import { describeGuarded, isEven } from './describe-guarded.ts';

describeGuarded({
  name: 'split',
  operator: () => split((value: number) => (isEven(value) ? [value, value + 1] : [value])),
  values: [1, 20, 4],
  out: [1, 20, 21, 4, 5],
  passes: 1,
  consumed: 1,
});

describe('split', () => {
  it('settles the record when its last part is settled, not before', () => {
    const fed = feed<number, string>(
      split(() => ['a', 'b']),
      { keep: true },
    );
    fed.send(1);
    const [a, b] = fed.out;
    if (a) fed.run.sink(a);
    expect(fed.outcomes()).toEqual(['open']);
    if (b) fed.run.sink(b);
    expect(fed.outcomes()).toEqual(['done']);
  });

  it('drops a value split into no parts', () => {
    const fed = feed<number, number>(split(() => []));
    fed.send(1);
    expect(fed.outcomes()).toEqual(['dropped: split into no parts']);
  });

  it("keeps the parts' own reason when all are dropped", () => {
    const fed = feed<number, number>((source) =>
      source.pipe(
        split(() => [1, 3]),
        keepOnly(isEven, 'odd'),
      ),
    );
    fed.send(1);
    expect(fed.outcomes()).toEqual(['dropped: odd']);
  });

  it('fails beyond maxParts without pulling further, and lists what was written', () => {
    let pulled = 0;
    const endless = function* (): Generator<number> {
      for (;;) yield (pulled += 1);
    };
    const fed = feed<number, number>(split(endless, { maxParts: 3 }));
    fed.send(1);
    expect(fed.outcomes()).toEqual(['failed: too_many_parts']);
    expect([pulled, fed.values()]).toEqual([4, [1, 2, 3]]);
    const [envelope] = fed.sent;
    expect(envelope && fed.run.of(envelope).verdict).toMatchObject({ outputs: [{ offset: 0n }, { offset: 1n }, { offset: 2n }] });
  });

  it('fails when the iteration throws midway', () => {
    const broken = function* (): Generator<number> {
      yield 1;
      throw new Error('torn');
    };
    const fed = feed<number, number>(split(broken));
    fed.send(1);
    expect([fed.outcomes(), fed.values()]).toEqual([['failed: project_threw'], [1]]);
  });

  it('ends the iteration and leaves the record open when downstream leaves, or it is given back', () => {
    for (const leave of ['unsubscribe', 'give back'] as const) {
      let closed = 0;
      let pulled = 0;
      const endless = function* (): Generator<number> {
        try {
          while (pulled < 1000) yield (pulled += 1);
        } finally {
          closed += 1;
        }
      };
      const fed = feed<number, number>((source) =>
        source.pipe(
          split(endless),
          mapValue((value: number) => {
            if (leave === 'unsubscribe') fed.unsubscribe();
            else fed.run.giveBack('revoked');
            return value;
          }),
        ),
      );
      fed.send(1);
      expect([pulled, closed]).toEqual([1, 1]);
      expect(fed.outcomes()).toEqual([leave === 'unsubscribe' ? 'open' : 'given-back: revoked']);
    }
  });

  it.each([0, 1.5])('refuses maxParts %s when it is called', (maxParts) => {
    expect(() => split(() => [], { maxParts })).toThrow('split.maxParts must be an integer >= 1');
  });
});
