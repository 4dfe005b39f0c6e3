import { describe, expect, it } from 'vitest';
import { nearestLabel } from '../../src/inference/nearest-label.ts';

const vector = (...numbers: number[]): Float32Array => Float32Array.from(numbers);

describe('nearestLabel', () => {
  // all point almost the same way, as the vectors of sentences do: only what differs from their mean counts
  const common = 100;
  const examples = [
    ...[1, 1.1, 0.9].map((x) => ({ label: 'sound' as const, vector: vector(common, x, 0) })),
    ...[1, 1.1, 0.9].map((x) => ({ label: 'price' as const, vector: vector(common, 0, x) })),
    { label: 'other' as const, vector: vector(common, -1, -1) },
  ];
  const nearest = nearestLabel(examples, 5);

  it.each([
    [vector(common, 0.8, 0.1), 'sound'],
    [vector(common, 0.1, 0.8), 'price'],
    [vector(common, -3, -3), 'other'],
  ] as const)('of %s is %s', (of, expected) => {
    expect(nearest(of).label).toBe(expected);
  });

  it('says how the neighbours have voted', () => {
    const { label, probabilities } = nearest(vector(common, 0.55, 0.45));
    expect(label).toBe('sound');
    expect(Object.keys(probabilities).sort()).toEqual(['other', 'price', 'sound']);
    expect(probabilities.sound + probabilities.price + probabilities.other).toBeCloseTo(1);
    expect(probabilities.sound).toBeGreaterThan(probabilities.price);
    expect(probabilities.price).toBeGreaterThan(0);
  });

  it('asks as many as it is told', () => {
    expect(nearestLabel(examples, 1)(vector(common, 0.9, 0.8)).probabilities).toEqual({ sound: 1, price: 0, other: 0 });
  });

  it('knows nothing where nothing is near', () => {
    const alike = nearestLabel(
      [
        { label: 'a', vector: vector(1) },
        { label: 'b', vector: vector(1) },
      ],
      5,
    );
    expect(alike(vector(1))).toEqual({ label: 'a', probabilities: { a: 0.5, b: 0.5 } });
  });
});
