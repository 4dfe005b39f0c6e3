import type { LlamaContextSequence, Token } from 'node-llama-cpp';
import { expect, it } from 'vitest';
import type { Engine } from '../../../../src/inference/llama/child/engine.ts';
import { generateAnswer } from '../../../../src/inference/llama/child/generate-answer.ts';
import { stepMark } from '../../../../src/inference/llama/child/step-items.ts';
import type { ChatSettings } from '../../../../src/inference/llama/protocol.ts';

const token = (id: number): Token => id as Token;
const prompt = [1, 2, 3].map(token);
const settings: ChatSettings = {
  maxTokens: 10,
  temperature: 0,
  topP: undefined,
  topK: undefined,
  minP: undefined,
  seed: undefined,
  stop: [],
  stopTokens: [],
  logProbabilities: undefined,
  jsonSchema: undefined,
};

/** A sequence that says these tokens; token 65 is the text A, and so on. */
function spoken(tokens: readonly number[]) {
  const asked: unknown[] = [];
  const sequence = {
    async *evaluateWithMetadata(...args: readonly unknown[]) {
      asked.push(args);
      await Promise.resolve();
      for (const one of tokens) yield { token: one, confidence: 0.5 };
    },
  } as unknown as LlamaContextSequence;
  return { sequence, asked };
}

const engine = { model: { detokenize: (tokens: readonly number[]) => String.fromCharCode(...tokens) } } as unknown as Engine;

async function answer(tokens: readonly number[], given: Partial<ChatSettings> = {}, stopTokens: readonly number[] = []) {
  const { sequence, asked } = spoken(tokens);
  const told: [string, string[] | undefined][] = [];
  const counts: number[] = [];
  const chat = {
    prompt,
    settings: { ...settings, ...given },
    stopTokens: new Set(stopTokens.map(token)),
    grammar: undefined,
    longest: given.maxTokens ?? settings.maxTokens,
  };
  const result = await generateAnswer(
    engine,
    sequence,
    chat,
    { rest: [token(3)], kept: 0, mark: stepMark(0) },
    new AbortController().signal,
    {
      token: () => undefined,
      text: (text, count, of) => {
        if (text === '') return;
        told.push([text, of?.map((one) => one.token)]);
        counts.push(count);
      },
    },
  );
  return {
    asked,
    told,
    counts,
    text: told.map(([text]) => text).join(''),
    reason: result.finishReason,
    outputTokens: result.usage.outputTokens,
  };
}

it.each([
  { what: 'the model ends', tokens: [65, 66], given: {}, stopTokens: [], text: 'AB', reason: 'stop', outputTokens: 2 },
  { what: 'a stop token comes', tokens: [65, 66, 7, 67], given: {}, stopTokens: [7], text: 'AB', reason: 'stop', outputTokens: 2 },
  { what: 'a stop token comes first', tokens: [7], given: {}, stopTokens: [7, 8], text: '', reason: 'stop', outputTokens: 0 },
  { what: 'a stop string comes', tokens: [65, 66, 67], given: { stop: ['B'] }, stopTokens: [], text: 'A', reason: 'stop', outputTokens: 2 },
  {
    what: 'what began like a stop string',
    tokens: [65, 66, 7],
    given: { stop: ['BC'] },
    stopTokens: [7],
    text: 'AB',
    reason: 'stop',
    outputTokens: 2,
  },
  {
    what: 'it is long enough',
    tokens: [65, 66, 67],
    given: { maxTokens: 2 },
    stopTokens: [],
    text: 'AB',
    reason: 'length',
    outputTokens: 2,
  },
])('ends when $what', async ({ tokens, given, stopTokens, text, reason, outputTokens }) => {
  expect(await answer(tokens, given, stopTokens)).toMatchObject({ text, reason, outputTokens });
});

it.each([
  { what: 'each piece', tokens: [65, 66], given: {}, counts: [1, 1] },
  { what: 'what was held back', tokens: [65, 66, 67, 68], given: { stop: ['BCX'] }, counts: [1, 3] },
  { what: 'nothing of a stop string', tokens: [65, 66, 67], given: { stop: ['BC'] }, counts: [1] },
])('counts the tokens of $what', async ({ tokens, given, counts }) => {
  expect((await answer(tokens, given)).counts).toEqual(counts);
});

it('says which tokens a text is made of only where it was asked', async () => {
  expect((await answer([65, 66], { logProbabilities: 0 })).told).toEqual([
    ['A', ['A']],
    ['B', ['B']],
  ]);
  expect((await answer([65, 66])).told).toEqual([
    ['A', undefined],
    ['B', undefined],
  ]);
});

it.each([
  { logProbabilities: undefined, metadata: { confidence: false, probabilities: false } },
  { logProbabilities: 0, metadata: { confidence: true, probabilities: false } },
  { logProbabilities: 1, metadata: { confidence: true, probabilities: true } },
])('asks for no more than logProbabilities $logProbabilities needs', async ({ logProbabilities, metadata }) => {
  const { asked } = await answer([65], { logProbabilities });
  expect(asked).toEqual([[[3], metadata, { temperature: 0, topP: 1, topK: 0, minP: 0, ...stepMark(0) }]]);
});

it('hands on what it was asked for', async () => {
  const { asked } = await answer([65], { temperature: 1, topP: 0.9, topK: 3, minP: 0.2, seed: 5 });
  expect(asked).toEqual([[[3], expect.anything(), { temperature: 1, topP: 0.9, topK: 3, minP: 0.2, seed: 5, ...stepMark(0) }]]);
});
