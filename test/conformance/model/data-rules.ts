import { expect } from 'vitest';
import type { Embedding, Tensor } from '../../../src/inference/model.ts';
import type { ModelRule } from './rule.ts';

const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, one, index) => sum + one * (b[index] ?? 0), 0);
const lengthOf = ({ vector }: Embedding): number => Math.sqrt(dot(vector, vector));

const tensors: readonly Tensor[] = [
  { name: 'numbers', shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) },
  { name: 'large', shape: [1], data: BigInt64Array.of(2n ** 60n) },
  { name: 'texts', shape: [2], data: ['a', 'ž'] },
];

export const dataRules: readonly ModelRule[] = [
  {
    rule: 40,
    says: 'embed gives a vector of length 1 for each text, all of one dimension, with usage',
    needs: ['embeddings'],
    test: async (world) => {
      const made = await world.one(world.model.embed(['the mill grinds', 'die Mühle mahlt 👩‍🚀', 'the mill grinds']));
      expect(made).toHaveLength(3);
      for (const one of made) {
        expect(one.vector).toBeInstanceOf(Float32Array);
        expect(lengthOf(one)).toBeCloseTo(1, 4);
        expect(one.vector.length).toBe(made[0]?.vector.length);
        expect(one.usage.inputTokens).toBeGreaterThan(0);
        expect(one.model).not.toBe('');
      }
    },
  },
  {
    rule: 41,
    says: 'embed keeps the order of many texts, and gives a text the vector that it has alone',
    needs: ['embeddings'],
    test: async (world) => {
      const texts = Array.from({ length: 24 }, (_, index) => `text ${'abc'.charAt(index % 3).repeat(index + 1)}`);
      const together = await world.one(world.model.embed(texts));
      expect(together).toHaveLength(texts.length);
      for (const index of [0, 11, 23]) {
        const [alone] = await world.one(world.model.embed([texts[index] ?? '']));
        expect(dot(alone?.vector ?? new Float32Array(), together[index]?.vector ?? new Float32Array())).toBeGreaterThan(0.999);
      }
    },
  },
  {
    rule: 42,
    says: 'rerank gives every document once, best first, by what the document says and not by where it stands',
    needs: ['reranking'],
    test: async (world) => {
      const documents = ['nothing to see', 'a mill grinds grain for bread', 'a mill'];
      for (const order of [documents, documents.toReversed()]) {
        const { ranking, usage } = await world.one(world.model.rerank('mill grinds grain', order));
        expect(ranking.map(({ index }) => index).toSorted()).toEqual([0, 1, 2]);
        expect(order[ranking[0]?.index ?? -1]).toBe(documents[1]);
        const scores = ranking.map(({ score }) => score);
        expect(scores).toEqual(scores.toSorted((a, b) => b - a));
        expect(usage.totalTokens).toBeGreaterThan(0);
      }
    },
  },
  {
    rule: 43,
    says: 'infer takes and gives named tensors of any kind of data',
    needs: ['tensors'],
    test: async (world) => {
      const { outputs, model } = await world.one(world.model.infer(tensors));
      expect(model).not.toBe('');
      expect(outputs.length).toBeGreaterThan(0);
      for (const { name, shape, data } of outputs) {
        expect(name).not.toBe('');
        expect(shape.reduce((product, one) => product * one, 1)).toBe(data.length);
      }
    },
  },
  {
    rule: 44,
    says: 'no texts are no vectors, no documents no ranks, and neither asks anything',
    partly: ['embeddings', 'reranking'],
    test: async (world) => {
      await world.untouched(async () => {
        if (world.can('embeddings')) expect(await world.one(world.model.embed([]))).toEqual([]);
        if (world.can('reranking')) expect((await world.one(world.model.rerank('x', []))).ranking).toEqual([]);
      });
    },
  },
];
