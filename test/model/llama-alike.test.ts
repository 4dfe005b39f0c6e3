import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChatTurn } from '../../src/inference/model.ts';
import { embeddedModelFile, openEmbedded } from '../helpers/embedded-model.ts';
import { allOf } from '../helpers/result-of.ts';

const file = await embeddedModelFile();
const sequences = 8;
const things = [
  'the wheel',
  'the stones',
  'the flour',
  'the pond',
  'the miller',
  'the grain',
  'the roof',
  'the sacks',
  'the weir',
  'the bread',
];
const asks = [
  'Tell me a long story about',
  'Explain to a child what is special about',
  'Describe in many words the history of',
  'Why do people love',
];
const system = 'You answer questions of visitors of a water mill. Be friendly, be exact, and write whole sentences.';
/** Of different lengths, so that they are in step with each other only at first. */
const prompts = Array.from({ length: 40 }, (_, n): readonly ChatTurn[] => [
  { role: 'system', content: system },
  {
    role: 'user',
    content: `${asks[n % 4] ?? ''} ${things[n % 10] ?? ''}, visitor number ${String(n)}${', who asks for more words than others do'.repeat(n % 5)}.`,
  },
]);

describe.skipIf(file.path === undefined)('at temperature 0 without flash attention', { timeout: 400_000 }, () => {
  let opened: Awaited<ReturnType<typeof openEmbedded>>;
  beforeAll(async () => {
    opened = await openEmbedded({ sequences });
  });
  afterAll(() => opened.close());

  /** Tokens and their log-probabilities: bit for bit, and of whose prompt they are. */
  const answer = async (prompt: readonly ChatTurn[]): Promise<string> => {
    const pieces = await allOf(opened.model.chat(prompt, { maxTokens: 8, logProbabilities: 0 }));
    return pieces.flatMap(({ tokens = [] }) => tokens.map((one) => `${one.token} ${String(one.logProbability)}`)).join('\n');
  };
  /** Every sequence gets something else to keep. */
  const forget = (): Promise<unknown> =>
    Promise.all(Array.from({ length: sequences }, (_, n) => allOf(opened.model.complete(`${String(n)} zq`, { maxTokens: 1 }))));
  const together = async (asked: readonly (readonly ChatTurn[])[]): Promise<readonly string[]> => {
    const left = [...asked.entries()];
    const found: string[] = [];
    const lane = async (): Promise<void> => {
      for (let next = left.shift(); next; next = left.shift()) found[next[0]] = await answer(next[1]);
    };
    await Promise.all(Array.from({ length: sequences }, lane));
    return found;
  };

  it('answers are the same, bit for bit, alone and beside others, with a kept prefix and without', async () => {
    const alone: string[] = [];
    for (const prompt of prompts) {
      await forget();
      alone.push(await answer(prompt));
    }
    const kept: string[] = [];
    for (const prompt of prompts) kept.push(await answer(prompt));
    await forget();
    const beside = await together(prompts);
    const otherwise = (await together(prompts.toReversed())).toReversed();
    expect(kept).toEqual(alone);
    expect(beside).toEqual(alone);
    expect(otherwise).toEqual(alone);
  });
});
