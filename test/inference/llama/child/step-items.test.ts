import fc from 'fast-check';
import type { BatchItem, PrioritizedBatchItem, Token } from 'node-llama-cpp';
import { describe, expect, it } from 'vitest';
import { stepMark, stepsOf } from '../../../../src/inference/llama/child/step-items.ts';

const together = stepsOf(false);

/** So many tokens of a sequence; the result of the last is wanted, where one is. */
const item = (sequence: number, length: number, wanted = true): BatchItem => ({
  tokens: Array.from({ length }, (_, i) => i as Token),
  logits: Array.from({ length }, (_, i) => (wanted && i === length - 1 ? true : undefined)),
  ...stepMark(sequence),
});
const sequenceOf = ({ evaluationPriority }: BatchItem): number => evaluationPriority - stepMark(0).evaluationPriority;
const shown = (step: readonly PrioritizedBatchItem[]): string[] =>
  step.map((one) => `${String(sequenceOf(one.item))}:${String(one.processAmount)}`);

/**
 * How llama.cpp cuts a step into parts: from the first that is left on, each whose sequence follows the one before; as many tokens of
 * each as the shortest has left. In: the items in their order. Out: the sequences in each part, and those whose last token it has.
 */
function parts(step: readonly PrioritizedBatchItem[]): { readonly together: readonly number[]; readonly ended: readonly number[] }[] {
  const left = step.map((one) => ({
    sequence: sequenceOf(one.item),
    tokens: one.processAmount,
    isWhole: one.processAmount === one.item.tokens.length,
  }));
  const found: { together: number[]; ended: number[] }[] = [];
  while (left.some(({ tokens }) => tokens > 0)) {
    const part: typeof left = [];
    for (const one of left) if (one.tokens > 0 && (part.length === 0 || one.sequence === (part.at(-1)?.sequence ?? 0) + 1)) part.push(one);
    const length = Math.min(...part.map(({ tokens }) => tokens));
    for (const one of part) one.tokens -= length;
    found.push({
      together: part.map(({ sequence }) => sequence),
      ended: part.filter(({ tokens, isWhole }) => tokens === 0 && isWhole).map(({ sequence }) => sequence),
    });
  }
  return found;
}

describe('the items of a step', () => {
  it('are computed together where each generates a token, in whatever order they come', () => {
    const items = [5, 2, 0, 7, 1, 6, 3, 4].map((sequence) => item(sequence, 1));
    expect(parts(together({ items, size: 512 }))).toHaveLength(1);
    expect(parts(items.map((one) => ({ item: one, processAmount: 1 }))).length).toBeGreaterThan(2); // as they came
  });

  it('are at most as many tokens as fit, the shortest first, and leave a part of the last', () => {
    const items = [item(0, 96, false), item(1, 1), item(2, 20), item(3, 1), item(4, 96, false)];
    expect(shown(together({ items, size: 64 }))).toEqual(['1:1', '3:1', '2:20', '0:42']);
    expect(shown(together({ items, size: 22 }))).toEqual(['1:1', '3:1', '2:20']);
  });

  it.each<{ what: string; other: BatchItem }>([
    { what: 'of which several results are wanted', other: { ...item(1, 3), logits: [true, undefined, true] } },
    { what: 'of a sequence that is not told', other: { ...item(1, 3), evaluationPriority: 5 } },
  ])('are evaluated alone $what', ({ other }) => {
    const step = together({ items: [item(0, 1), other, item(2, 1)], size: 2 });
    expect(step).toEqual([{ item: other, processAmount: 2 }]);
  });

  it('are evaluated apart where that is asked for: one piece of a prompt, then all that generate', () => {
    const apart = stepsOf(true);
    const items = [item(3, 1), item(0, 96, false), item(1, 1), item(2, 40, false)];
    const steps = [1, 2, 3].map(() => shown(apart({ items, size: 512 })));
    expect(steps).toEqual([['0:96'], ['1:1', '3:1'], ['0:96']]);
    expect(shown(apart({ items: items.slice(0, 1), size: 512 }))).toEqual(['3:1']);
    const pieces = items.filter(({ tokens }) => tokens.length > 1);
    expect([1, 2].map(() => shown(apart({ items: pieces, size: 64 })))).toEqual([['0:64'], ['0:64']]);
  });

  it('come out in the order in which they are put in, whatever waits', () => {
    const waiting = fc
      .uniqueArray(fc.nat(15), { minLength: 1, maxLength: 16 })
      .chain((sequences) =>
        fc.tuple(
          ...sequences.map((sequence) =>
            fc.tuple(fc.constant(sequence), fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 96 })), fc.boolean()),
          ),
        ),
      );
    fc.assert(
      fc.property(waiting, fc.integer({ min: 16, max: 600 }), (asked, size) => {
        const step = together({ items: asked.map(([sequence, length, wanted]) => item(sequence, length, wanted || length === 1)), size });
        expect(step.reduce((sum, one) => sum + one.processAmount, 0)).toBe(
          Math.min(
            size,
            asked.reduce((sum, [, length]) => sum + length, 0),
          ),
        );
        const put = step.filter((one) => one.processAmount === one.item.tokens.length).map((one) => sequenceOf(one.item));
        expect(parts(step).flatMap(({ ended }) => ended)).toEqual(put);
      }),
      { numRuns: 2_000 },
    );
  });
});
