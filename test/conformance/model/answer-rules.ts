import type { StandardSchemaV1 } from '@standard-schema/spec';
import { expect } from 'vitest';
import { z } from 'zod';
import { OptionError } from '../../../src/errors.ts';
import { textOf } from './model-world.ts';
import type { ModelRule } from './rule.ts';

const Judgement = z.object({
  kind: z.enum(['good', 'bad']),
  stars: z.int().min(1).max(5),
  isSure: z.boolean(),
  tags: z.array(z.string().max(5)).max(2),
});

const ask = 'Judge as JSON: the mill is good.';
const verdictSchema = { type: 'object', properties: { ok: { type: 'boolean' } }, required: ['ok'], additionalProperties: false } as const;

/** A schema that finds fault with so many answers, whatever they are. */
function refusing(times: number): { readonly schema: StandardSchemaV1<unknown, { readonly ok: unknown }>; readonly seen: unknown[] } {
  const seen: unknown[] = [];
  const validate = (value: unknown): StandardSchemaV1.Result<{ readonly ok: unknown }> => {
    seen.push(value);
    return seen.length <= times ? { issues: [{ message: 'not this one', path: ['ok'] }] } : { value: value as { readonly ok: unknown } };
  };
  return { schema: { '~standard': { version: 1, vendor: 'test', validate } }, seen };
}

const tools = [{ name: 'judge', description: 'tells what was found', parameters: verdictSchema }] as const;

export const answerRules: readonly ModelRule[] = [
  {
    rule: 53,
    says: 'a tool that is to be called is: the first piece names it, the pieces of its arguments make JSON; without the capability it is capability_missing',
    test: async (world) => {
      const { model } = world;
      expect(() => model.chat(ask, { tools: [] })).toThrow(OptionError);
      expect(() => model.chat(ask, { tools, toolChoice: { name: 'other' } })).toThrow(OptionError);
      expect(() => model.chat(ask, { toolChoice: 'auto' })).toThrow(OptionError);
      const call = model.chat(ask, { tools, toolChoice: { name: 'judge' }, maxTokens: 60 });
      if (model.capabilities.tools !== true) {
        await world.untouched(async () => {
          expect((await world.failure(call)).code).toBe('capability_missing');
        });
        return;
      }
      const chunks = await world.all(call);
      const parts = chunks.flatMap(({ toolCalls = [] }) => toolCalls);
      expect(parts.map(({ name }) => name)).toEqual(['judge', ...parts.slice(1).map(() => undefined)]);
      expect(typeof (JSON.parse(parts.map((one) => one.arguments).join('')) as { ok: unknown }).ok).toBe('boolean');
      expect(new Set(parts.map(({ index }) => index))).toEqual(new Set([0]));
      expect([chunks.at(-1)?.finishReason, textOf(chunks)]).toEqual(['stop', '']);
      expect(chunks.at(-1)?.usage?.outputTokens).toBeGreaterThan(0);
      expect(textOf(await world.all(model.chat(ask, { maxTokens: 8 }))), 'an answer where no tools are given').not.toBe('');
    },
  },
  {
    rule: 32,
    says: 'answer gives one value that fits its schema, with usage and model',
    test: async (world) => {
      const { value, usage, model, repairs } = await world.one(world.model.answer(ask, { schema: Judgement, maxTokens: 200 }));
      expect(Judgement.safeParse(value).success).toBe(true);
      expect(repairs).toBe(0);
      expect(model).not.toBe('');
      expect(usage.totalTokens).toBe(usage.inputTokens + usage.outputTokens);
      expect(usage.outputTokens).toBeGreaterThan(0);
    },
  },
  {
    rule: 33,
    says: 'an answer that does not fit is asked for again as often as is allowed, and usage is of all rounds',
    needs: ['oneRequest'],
    test: async (world) => {
      const options = { jsonSchema: verdictSchema, maxTokens: 40, repairs: 2 };
      const first = await world.one(world.model.answer(ask, { ...options, schema: refusing(0).schema }));
      const { schema, seen } = refusing(2);
      const { repairs, usage } = await world.one(world.model.answer(ask, { ...options, schema }));
      expect(repairs).toBe(2);
      expect(seen).toHaveLength(3);
      expect(first.repairs).toBe(0);
      expect(usage.inputTokens).toBeGreaterThan(2 * first.usage.inputTokens);
    },
  },
  {
    rule: 34,
    says: 'an answer that fits in no round is answer_invalid, and its error does not quote it',
    partly: ['oneRequest'],
    test: async (world) => {
      const { schema, seen } = refusing(1_000);
      const quoted = { const: 'very-private-text' };
      const failure = await world.failure(world.model.answer(ask, { schema, jsonSchema: quoted, repairs: 1, maxTokens: 40 }));
      expect(failure.code).toBe('answer_invalid');
      if (world.can('oneRequest')) expect(seen.length % 2, 'rounds of those that were asked').toBe(0);
      expect(`${failure.message} ${String(failure.cause)}`).not.toContain('very-private');
    },
  },
  {
    rule: 35,
    says: 'an answer that is cut off is answer_truncated, also where what is there could be read',
    test: async (world) => {
      const failure = await world.failure(world.model.answer(ask, { schema: Judgement, maxTokens: 2 }));
      expect(failure.code).toBe('answer_truncated');
    },
  },
  {
    rule: 36,
    says: 'classify gives one of the labels; with probabilities of all that make 1, or, where it cannot tell, none and a confidence of 1',
    partly: ['labelProbabilities'],
    test: async (world) => {
      const { prompt, labels } = world.asks.label;
      const { label, confidence, probabilities, usage } = await world.one(world.model.classify(prompt, { labels }));
      expect(labels).toContain(label);
      expect(usage.inputTokens).toBeGreaterThan(0);
      if (!world.can('labelProbabilities')) {
        expect([confidence, probabilities]).toEqual([1, undefined]);
        return;
      }
      const shares = labels.map((one) => probabilities?.[one] ?? -1);
      expect(Object.keys(probabilities ?? {}).toSorted()).toEqual(labels.toSorted());
      expect(shares.every((share) => share >= 0 && share <= 1)).toBe(true);
      expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 6);
      expect(confidence).toBeCloseTo(Math.max(...shares), 6);
      expect(probabilities?.[label]).toBeCloseTo(confidence, 6);
    },
  },
  {
    rule: 37,
    says: 'classify finds what is plainly right, in whatever order the labels stand',
    test: async (world) => {
      const { prompt, labels, right } = world.asks.label;
      for (const order of [labels, labels.toReversed()])
        expect((await world.one(world.model.classify(prompt, { labels: order }))).label).toBe(right);
    },
  },
  {
    rule: 52,
    says: 'classify takes out, where asked, what the model leans to: of a prompt in its own light nothing is left',
    partly: ['labelProbabilities'],
    test: async (world) => {
      const { prompt, labels } = world.asks.label;
      const asked = world.model.classify(prompt, { labels, calibrate: prompt });
      if (!world.can('labelProbabilities')) {
        expect((await world.failure(asked)).code).toBe('capability_missing');
        return;
      }
      const { probabilities } = await world.one(asked);
      for (const label of labels) expect(probabilities?.[label]).toBeCloseTo(1 / labels.length, 2);
    },
  },
  {
    rule: 38,
    says: 'a JSON Schema constrains a chat while it is made',
    needs: ['jsonSchema'],
    test: async (world) => {
      const jsonSchema = {
        type: 'object',
        properties: { a: { const: 'x "y" é' }, b: { enum: ['p', 'q'] } },
        required: ['a', 'b'],
        additionalProperties: false,
      };
      const text = textOf(await world.all(world.model.chat('Say anything.', { jsonSchema, maxTokens: 60 })));
      const value = JSON.parse(text) as { readonly a: unknown; readonly b: unknown };
      expect(value.a).toBe('x "y" é');
      expect(['p', 'q']).toContain(value.b);
    },
  },
  {
    rule: 39,
    says: 'complete continues plain text, piece by piece as chat does, with no template around it',
    needs: ['completion'],
    partly: ['exactTokens'],
    test: async (world) => {
      const text = world.asks.short;
      const chunks = await world.all(world.model.complete(text, { maxTokens: 5 }));
      expect(textOf(chunks)).not.toBe('');
      expect(chunks.map(({ index }) => index)).toEqual(chunks.map((_, index) => index));
      const last = chunks.at(-1);
      expect(last?.usage?.outputTokens).toBeGreaterThan(0);
      expect(last?.finishReason).toMatch(/^(stop|length)$/);
      if (!world.can('exactTokens')) return;
      const templated = (await world.all(world.model.chat(text, { maxTokens: 5 }))).at(-1)?.usage?.inputTokens ?? 0;
      expect(last?.usage?.inputTokens).toBeLessThan(templated);
    },
  },
];
