import type { Observable } from 'rxjs';
import { expect } from 'vitest';
import { z } from 'zod';
import { OptionError } from '../../../src/errors.ts';
import type { ChatTurn, Model, ModelCapabilities, SamplingOption } from '../../../src/inference/model.ts';
import { eachSamplingOption } from '../../helpers/inference/each-sampling-option.ts';
import { type Ability, type ModelWorld, textOf } from './model-world.ts';
import type { ModelRule } from './rule.ts';

/** How an ability stands in `capabilities`. */
const declared: Partial<Record<Ability, (capabilities: ModelCapabilities) => boolean>> = {
  topP: ({ sampling }) => sampling.includes('topP'),
  topK: ({ sampling }) => sampling.includes('topK'),
  minP: ({ sampling }) => sampling.includes('minP'),
  seed: ({ sampling }) => sampling.includes('seed'),
  stopTokens: ({ sampling }) => sampling.includes('stopTokens'),
  tokenProbabilities: ({ sampling }) => sampling.includes('logProbabilities'),
  labelProbabilities: ({ logProbabilities }) => logProbabilities,
  jsonSchema: ({ jsonSchema }) => jsonSchema,
  embeddings: ({ embeddings }) => embeddings,
  completion: ({ completion }) => completion,
  reranking: ({ reranking }) => reranking,
  tensors: ({ tensors }) => tensors,
  exactTokens: ({ exactTokens }) => exactTokens,
  contextTokens: ({ contextTokens }) => contextTokens !== undefined,
};

const Word = z.object({ word: z.string().max(10) });
const tensor = { name: 'x', shape: [2], data: Float32Array.of(1, 2) };

/** Calls that are wrong by their options, whatever the model. */
const wrong: readonly (readonly [string, (model: Model) => unknown])[] = [
  ['maxTokens 0', (model) => model.chat('x', { maxTokens: 0 })],
  ['temperature -1', (model) => model.chat('x', { temperature: -1 })],
  ['topP 2', (model) => model.chat('x', { topP: 2 })],
  ['topK 0', (model) => model.chat('x', { topK: 0 })],
  ['minP NaN', (model) => model.chat('x', { minP: Number.NaN })],
  ['seed 0.5', (model) => model.chat('x', { seed: 0.5 })],
  ['an empty stop', (model) => model.chat('x', { stop: [''] })],
  ['logProbabilities 21', (model) => model.chat('x', { logProbabilities: 21 })],
  ['a prompt that is none', (model) => model.chat(7 as never)],
  ['a role that is none', (model) => model.chat([{ role: 'tool' as never, content: 'x' }])],
  ['complete without text', (model) => model.complete(undefined as never)],
  ['complete with maxTokens 1.5', (model) => model.complete('x', { maxTokens: 1.5 })],
  ['answer without a schema', (model) => model.answer('x', {} as never)],
  ['answer with repairs -1', (model) => model.answer('x', { schema: Word, repairs: -1 })],
  ['one label', (model) => model.classify('x', { labels: ['a'] })],
  ['a label twice', (model) => model.classify('x', { labels: ['a', ' a'] })],
  ['embed without a list', (model) => model.embed('x' as never)],
  ['rerank without a query', (model) => model.rerank(undefined as never, ['x'])],
  ['a tensor of another shape', (model) => model.infer([{ ...tensor, shape: [3] }])],
  ['countTokens of nothing', (model) => model.countTokens(undefined as never)],
  ['estimate with maxTokens 0', (model) => model.estimate('x', { maxTokens: 0 })],
];

/** All calls that ask the model something, as far as it can. */
const everyCall = ({ model, asks, can, far }: ModelWorld): readonly (() => Observable<unknown>)[] => [
  () => model.chat(asks.short, { maxTokens: 8 }),
  () => model.answer(asks.short, { schema: z.object({ ok: z.boolean() }) }),
  ...(far?.blindTo?.includes('labelProbabilities') === true
    ? []
    : [() => model.classify(asks.label.prompt, { labels: asks.label.labels })]),
  ...(can('completion') ? [() => model.complete(asks.short, { maxTokens: 8 })] : []),
  ...(can('embeddings') && far?.blindTo?.includes('embeddings') !== true ? [() => model.embed(['a text'])] : []),
  ...(can('reranking') ? [() => model.rerank('a query', ['a text'])] : []),
  ...(can('tensors') ? [() => model.infer([tensor])] : []),
];

export const callRules: readonly ModelRule[] = [
  {
    rule: 1,
    says: 'capabilities say what it can, and nothing else',
    test: async ({ model, can }) => {
      expect(model.name).not.toBe('');
      for (const [ability, isDeclared] of Object.entries(declared))
        expect(isDeclared(model.capabilities), `${ability} in capabilities`).toBe(can(ability as Ability));
      await Promise.resolve();
    },
  },
  {
    rule: 2,
    says: 'nothing begins before a call is subscribed to, and each subscription is a call of its own',
    needs: ['farSide'],
    test: async (world) => {
      for (const make of everyCall(world)) {
        let call = make();
        await world.untouched(() => {
          call = make();
        });
        for (let time = 0; time < 2; time += 1) {
          const before = (await world.far?.done()) ?? 0;
          await world.all(call);
          expect(await world.far?.done(), 'work of a subscription').toBeGreaterThan(before);
        }
      }
    },
  },
  {
    rule: 3,
    says: 'what a call was given may be changed afterwards: it is not seen',
    test: async (world) => {
      const { prompt, options, text } = world.asks.exactly('first');
      const turns =
        typeof prompt === 'string' ? [{ role: 'user' as const, content: prompt }] : structuredClone(prompt as readonly ChatTurn[]);
      const given: { role: ChatTurn['role']; content: string }[] = turns.map((turn) => ({ ...turn }));
      const changing = { ...options };
      const call = world.model.chat(given, changing);
      for (const turn of given) turn.content = 'Say exactly: second';
      given.length = 0;
      changing.maxTokens = 1;
      expect(textOf(await world.all(call))).toBe(text);
    },
  },
  {
    rule: 4,
    says: 'a prompt may be text, turns, or prepared, and means the same',
    test: async (world) => {
      const turns = [{ role: 'user', content: world.asks.short }] as const;
      const prepared = { name: 'p', version: '1', hash: '0123456789ab', turns };
      const answers: string[] = [];
      for (const prompt of [world.asks.short, turns, prepared])
        answers.push(textOf(await world.all(world.model.chat(prompt, { maxTokens: 12 }))));
      expect(new Set(answers).size, JSON.stringify(answers)).toBe(1);
      const counts = [];
      for (const prompt of [world.asks.short, turns, prepared]) counts.push(await world.one(world.model.countTokens(prompt)));
      expect(new Set(counts).size).toBe(1);
    },
  },
  {
    rule: 5,
    says: 'pieces carry text and an index from 0; the last one, and it alone, tells usage, finish reason, model and timings',
    test: async (world) => {
      const chunks = await world.all(world.model.chat(world.asks.short, { maxTokens: 20 }));
      expect(chunks.map(({ index }) => index)).toEqual(chunks.map((_, index) => index));
      for (const chunk of chunks) expect(typeof chunk.text).toBe('string');
      for (const { usage, finishReason, timings, cost } of chunks.slice(0, -1))
        expect([usage, finishReason, timings, cost]).toEqual([undefined, undefined, undefined, undefined]);
      const last = chunks.at(-1);
      expect(last?.finishReason).toMatch(/^(stop|length)$/);
      expect(last?.model).toEqual(expect.stringMatching(/./));
      const { inputTokens = 0, cachedTokens = 0, outputTokens = 0, totalTokens = 0 } = last?.usage ?? {};
      expect(inputTokens).toBeGreaterThan(0);
      expect(cachedTokens).toBeGreaterThanOrEqual(0);
      expect(cachedTokens).toBeLessThanOrEqual(inputTokens);
      expect(outputTokens).toBeGreaterThan(0);
      expect(totalTokens).toBe(inputTokens + outputTokens);
      const { firstTokenMs = -1, totalMs = -1 } = last?.timings ?? {};
      expect(firstTokenMs).toBeGreaterThanOrEqual(0);
      expect(totalMs).toBeGreaterThanOrEqual(firstTokenMs);
    },
  },
  {
    rule: 6,
    says: 'the pieces joined are the answer, whole and unchanged',
    test: async (world) => {
      for (const wanted of ['one', 'a  b ', 'line one\n\n\tline "two"\\', '{"not": json']) {
        const { prompt, options, text } = world.asks.exactly(wanted);
        const chunks = await world.all(world.model.chat(prompt, options));
        expect(textOf(chunks)).toBe(text);
        expect(chunks.at(-1)?.finishReason).toBe('stop');
      }
    },
  },
  {
    rule: 7,
    says: 'pieces come while the answer is made',
    needs: ['streaming'],
    test: async (world) => {
      const { prompt, options } = world.asks.long;
      const call = world.listen(world.model.chat(prompt, options));
      await call.begun;
      expect(call.end, 'the call at its first piece').toBe('running');
      await call.over;
      expect(call.values.length).toBeGreaterThan(10);
    },
  },
  {
    rule: 8,
    says: 'of many calls at once each gets its own answer, and nothing is left of them',
    test: async (world) => {
      const { manyCalls = 50 } = world.under;
      const calls = Array.from({ length: manyCalls }, (_, index) => world.asks.exactly(`number ${String(index)}`));
      const answers = await Promise.all(calls.map(({ prompt, options }) => world.all(world.model.chat(prompt, options))));
      expect(answers.map(textOf)).toEqual(calls.map(({ text }) => text));
      await world.idle();
    },
  },
  {
    rule: 9,
    says: 'options out of range are an OptionError at the call, and ask nothing',
    test: async (world) => {
      await world.untouched(() => {
        for (const [what, call] of wrong) expect(() => call(world.model), what).toThrow(OptionError);
      });
    },
  },
  {
    rule: 10,
    says: 'a blank prompt is data: it fails the call with model_rejected, and asks nothing',
    test: async (world) => {
      await world.untouched(async () => {
        for (const prompt of ['', ' \n ', [], [{ role: 'user', content: '' }] as const])
          expect((await world.failure(world.model.chat(prompt))).code).toBe('model_rejected');
      });
    },
  },
  {
    rule: 11,
    says: 'what it cannot do fails with capability_missing, and asks nothing',
    test: async (world) => {
      const { model, asks } = world;
      await world.untouched(async () => {
        const calls = [
          ...(world.can('completion') ? [] : [model.complete('x')]),
          ...(world.can('embeddings') ? [] : [model.embed(['x'])]),
          ...(world.can('reranking') ? [] : [model.rerank('x', ['y'])]),
          ...(world.can('tensors') ? [] : [model.infer([tensor])]),
          ...Object.entries(eachSamplingOption)
            .filter(([option]) => !model.capabilities.sampling.includes(option as SamplingOption))
            .map(([, options]) => model.chat(asks.short, options)),
        ];
        for (const call of calls) expect((await world.failure(call)).code).toBe('capability_missing');
      });
    },
  },
  {
    rule: 12,
    says: 'a prompt that does not fit fails with prompt_too_long before anything comes, and is never cut',
    test: async (world) => {
      const call = world.listen(world.model.chat(world.asks.tooLong, { maxTokens: 10 }));
      await call.over;
      expect([call.end, call.values]).toEqual(['failed', []]);
      expect(world.ours(call.error).code).toBe('prompt_too_long');
      await world.idle();
    },
  },
  {
    rule: 13,
    says: 'prompt and longest answer may fill the context, and no token more',
    needs: ['exactTokens', 'contextTokens'],
    test: async (world) => {
      const { model, asks } = world;
      const tokens = await world.one(model.countTokens(asks.short));
      const room = (model.capabilities.contextTokens ?? 0) - tokens;
      expect((await world.failure(model.chat(asks.short, { maxTokens: room + 1 }))).code).toBe('prompt_too_long');
      const call = world.listen(model.chat(asks.short, { maxTokens: room }));
      await call.begun;
      expect(call.error).toBeUndefined();
      expect(call.values.length).toBeGreaterThan(0);
    },
  },
];
