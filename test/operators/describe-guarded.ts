import { map, type OperatorFunction } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { Envelope } from '../../src/record/envelope.ts';
import { feed } from '../helpers/feed.ts';
import { marbles } from '../helpers/marbles.ts';

export const isEven = (value: number): boolean => {
  if (value === 13) throw new Error('unlucky');
  return value % 2 === 0;
};

export interface Guarded {
  readonly name: string;
  /** Calls its function with the value; the function throws for 13. */
  readonly operator: () => OperatorFunction<Envelope<number>, Envelope<unknown>>;
  readonly values: readonly number[];
  readonly out: readonly unknown[];
  /** A value of which one comes out. */
  readonly passes: number;
  /** A value whose envelope is consumed. */
  readonly consumed: number;
}

/** What holds for every operator that applies a function of the user's to each value. */
export function describeGuarded({ name, operator, values, out, passes, consumed }: Guarded): void {
  describe(`${name}, as every operator with a function for each value`, () => {
    it('lets values through in order and settles every record', () => {
      const fed = feed<number, unknown>(operator());
      fed.send(...values);
      expect(fed.values()).toEqual(out);
      expect(fed.outcomes()).not.toContain('open');
    });

    it('fails the record for which the function throws, and goes on', () => {
      const fed = feed<number, unknown>(operator());
      fed.send(passes, 13, passes);
      expect(fed.outcomes()).toEqual(['done', 'failed: project_threw', 'done']);
      expect(fed.run.failures[0]?.message).toBe(`the function given to ${name} threw for record test/0@1: unlucky`);
      expect(fed.run.failures[0]?.cause).toEqual(new Error('unlucky'));
      expect(fed.ended()).toBe('open');
    });

    it('fails a record whose envelope was used before, and goes on', () => {
      const fed = feed<number, unknown>(operator(), { keep: true });
      const used = fed.run.envelope(consumed);
      const elsewhere = used.with(consumed);
      fed.sent.push(used);
      fed.source.next(used);
      expect(fed.outcomes()).toEqual(['failed: lineage_reused']);
      expect(fed.run.failures[0]?.message).toMatch(/test\/0@0 was used twice/);
      expect([fed.ended(), fed.out, elsewhere.value]).toEqual(['open', [], consumed]);
    });

    it.each([
      { rule: 'completes with the source', source: '-a--b-|', until: '', result: '-x--x-|', held: '^-----!' },
      { rule: 'passes an error on', source: '-a--#', until: '', result: '-x--#', held: '^---!' },
      { rule: 'lets go of the source when downstream leaves', source: '-a--b-|', until: '---!', result: '-x--', held: '^--!' },
    ])('$rule', ({ source, until, result, held }) => {
      marbles(({ hot, run, expectObservable, expectSubscriptions }) => {
        const input = hot(source, { a: run.envelope(passes), b: run.envelope(passes) });
        expectObservable(
          input.pipe(
            operator(),
            map(() => 'x'),
          ),
          until || undefined,
        ).toBe(result);
        expectSubscriptions(input.subscriptions).toBe(held);
      });
    });
  });
}
