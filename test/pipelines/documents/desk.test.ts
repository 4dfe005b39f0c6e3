import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Desk } from '../../../pipelines/documents/desk.ts';
import type { DocumentResult } from '../../../pipelines/documents/document.ts';

const source = (id: string) => ({ id, name: id, read: () => Promise.reject(new Error('not read')) });
const answerTo = (place: number, run = 'r'): DocumentResult => ({
  ...{ run, place, status: 'success', input: { id: String(place), name: '' }, result: {}, ms: 0 },
  usage: { calls: 0, fromJournal: 0, inputTokens: 0, outputTokens: 0 },
});

function desk(order: 'input' | 'completion', window = 100) {
  const written: number[] = [];
  const made = new Desk({ run: 'r', order, window, write: ({ place }) => written.push(place) });
  return { desk: made, written };
}

describe('the desk', () => {
  it('writes every answer once, in the order that was asked for, whatever comes how often', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6], { minLength: 7 }), fc.constantFrom('input', 'completion'), (places, order) => {
        const { desk: made, written } = desk(order);
        for (const place of places) made.take(source(String(place)));
        for (const place of places) {
          expect(made.answer(answerTo(place))).toBe(true);
          expect(made.answer(answerTo(place))).toBe(false);
        }
        expect(written).toEqual(order === 'input' ? places.toSorted() : places);
        expect(made.isEmpty).toBe(true);
      }),
    );
  });

  it('takes no answer of another run, or to a document that was not taken', () => {
    const { desk: made, written } = desk('completion');
    made.take(source('a'));
    expect([made.answer(answerTo(0, 'other')), made.answer(answerTo(1))]).toEqual([false, false]);
    expect(written).toEqual([]);
  });

  it('has a place when an answer is written, not when one waits for its turn', async () => {
    const { desk: made, written } = desk('input', 2);
    await made.place();
    made.take(source('a'));
    made.take(source('b'));
    let hasPlace = false;
    const waiting = made.place().then(() => (hasPlace = true));
    made.answer(answerTo(1));
    await Promise.resolve();
    expect([hasPlace, written]).toEqual([false, []]);
    made.answer(answerTo(0));
    await waiting;
    expect(written).toEqual([0, 1]);
  });

  it('gives up what waits, in order', () => {
    const { desk: made, written } = desk('input');
    for (const id of ['a', 'b', 'c']) made.take(source(id));
    made.answer(answerTo(2));
    made.answer(answerTo(1));
    made.giveUp();
    expect([written, made.unanswered]).toEqual([[1, 2], 1]);
  });
});
