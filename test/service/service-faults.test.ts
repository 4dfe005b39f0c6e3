import { expect, it } from 'vitest';
import * as proof from '../proofs/service-faults.ts';

it(`the short form of a proof: ${proof.summary}`, async () => {
  const { measured } = await proof.run({ short: true, signal: new AbortController().signal, folder: '', say: () => undefined });
  expect(measured.length).toBeGreaterThan(10);
  expect(measured.filter(({ pass }) => !pass)).toEqual([]);
});
