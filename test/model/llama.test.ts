import { readFile } from 'node:fs/promises';
import { type Subscription, take } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { reviewsData } from '../../src/artifacts/catalogue.ts';
import { pullArtifact } from '../../src/artifacts/pull-artifact.ts';
import type { ChatChunk, Model, Prompt } from '../../src/inference/model.ts';
import { embeddedModelFile, openEmbedded } from '../helpers/embedded-model.ts';
import { failureOf } from '../helpers/failure-of.ts';
import { allOf, resultOf } from '../helpers/result-of.ts';

const file = await embeddedModelFile();

const answerTo = (model: Model, prompt: Prompt, maxTokens: number): Promise<ChatChunk[]> => allOf(model.chat(prompt, { maxTokens }));
const textOf = (chunks: readonly ChatChunk[]): string => chunks.map((chunk) => chunk.text).join('');

describe.skipIf(file.path === undefined)('the embedded model', () => {
  let opened: Awaited<ReturnType<typeof openEmbedded>>;
  beforeAll(async () => {
    opened = await openEmbedded({ sequences: 8 });
  });
  afterAll(() => opened.close());

  const activity = () => resultOf(opened.backend.activity());
  const until = async (done: () => Promise<boolean>): Promise<void> => {
    while (!(await done()));
  };

  it('streams an answer; the last piece has usage, finish reason and model', async () => {
    const chunks = await answerTo(opened.model, 'Say hello.', 12);
    const last = chunks.at(-1);
    expect(chunks.length).toBeGreaterThan(3);
    expect(chunks.map((chunk) => chunk.index)).toEqual(chunks.map((_, index) => index));
    expect(chunks.slice(0, -1).every((chunk) => chunk.usage === undefined)).toBe(true);
    expect(last?.finishReason).toMatch(/stop|length/);
    expect(last?.model).toBe('smollm2');
    const tokens = await resultOf(opened.model.countTokens('Say hello.'));
    expect(last?.usage?.inputTokens).toBe(tokens);
    expect(last?.usage?.outputTokens).toBeGreaterThan(1);
    expect(last?.usage?.totalTokens).toBe(tokens + (last?.usage?.outputTokens ?? 0));
  });

  it('ends at maxTokens with `length`, and at a stop string with `stop` and without it', async () => {
    const prompt = 'Count from one to twenty in words.';
    const cut = await answerTo(opened.model, prompt, 3);
    expect(cut.at(-1)).toMatchObject({ finishReason: 'length', usage: { outputTokens: 3 } });
    const free = textOf(await answerTo(opened.model, prompt, 24));
    const stop = free.slice(6, 9);
    const stopped = await allOf(opened.model.chat(prompt, { maxTokens: 24, stop: [stop] }));
    expect(stopped.at(-1)?.finishReason).toBe('stop');
    expect(textOf(stopped)).not.toContain(stop);
  });

  it('keeps the prefix of an earlier prompt, and says how much', async () => {
    const fixed = 'You judge reviews of radios, televisions and cameras. Be strict, be brief, be fair to the maker. ';
    await answerTo(opened.model, `${fixed}Review: loud.`, 2);
    const again = await answerTo(opened.model, `${fixed}Review: quiet.`, 2);
    const usage = again.at(-1)?.usage;
    expect(usage?.cachedTokens).toBeGreaterThan(15);
    expect(usage?.cachedTokens).toBeLessThan(usage?.inputTokens ?? 0);
  });

  it('evaluates what prompts begin with once, for all that come at the same time, and answers as ever', async () => {
    const fixed = 'You judge reviews of mills and of millers. Be strict, be brief, be fair to the maker. '.repeat(8);
    const questions = ['loud', 'quiet', 'slow', 'quick', 'kind', 'rude'].map((word) => `${fixed}Review: ${word} - ${word}.`);
    const before = await activity();
    const answers = await Promise.all(questions.map((one) => answerTo(opened.model, one, 8)));
    const evaluated = (await activity()).inputTokens - before.inputTokens;
    const asked = answers.map((chunks) => chunks.at(-1)?.usage);
    const longest = Math.max(...asked.map((usage) => usage?.inputTokens ?? 0));
    expect(evaluated).toBeLessThan(longest * 2); // of six
    expect(asked.filter((usage) => (usage?.cachedTokens ?? 0) > longest * 0.8)).toHaveLength(5);
    for (const [index, question] of questions.entries()) {
      expect(textOf(await answerTo(opened.model, question, 8))).toBe(textOf(answers[index] ?? []));
    }
  });

  it('stops within one token after unsubscription, and frees the sequence', async () => {
    const before = await activity();
    let subscription: Subscription | undefined;
    const received = await new Promise<number>((resolve, reject) => {
      let pieces = 0;
      const next = (): void => {
        pieces += 1;
        if (pieces === 5) resolve(pieces);
      };
      subscription = opened.model.chat('Tell a long story about a miller.', { maxTokens: 300 }).subscribe({ next, error: reject });
    });
    subscription?.unsubscribe();
    const atStop = await activity(); // the channel keeps order: the child has seen the cancellation
    await until(async () => (await activity()).running === 0);
    const after = await activity();
    expect(after.outputTokens - atStop.outputTokens).toBeLessThanOrEqual(1);
    expect(after.outputTokens - before.outputTokens).toBeLessThan(received + 30); // of 300
  });

  it('stops within a long prompt, too', async () => {
    const before = await activity();
    const long = 'a mill grinds grain that farmers bring '.repeat(56);
    const tokens = await resultOf(opened.model.countTokens(long));
    const subscription = opened.model.chat(long, { maxTokens: 4 }).subscribe({ error: () => undefined });
    await until(async () => (await activity()).running === 1);
    subscription.unsubscribe();
    await until(async () => (await activity()).running === 0);
    const after = await activity();
    expect(tokens).toBeGreaterThan(400);
    expect(after.inputTokens - before.inputTokens).toBeLessThanOrEqual(2 * 96);
    expect(after.outputTokens).toBe(before.outputTokens);
  });

  it('answers eight at once, each its own', async () => {
    const before = await activity();
    const words = ['red', 'green', 'blue', 'white', 'black', 'brown', 'pink', 'grey'];
    // each has one answer only that its grammar allows, so what is mixed up is seen
    const ask = (word: string) => allOf(opened.model.chat('Say a colour.', { maxTokens: 12, jsonSchema: { const: word } }));
    const answers = await Promise.all(words.map(ask));
    expect(answers.map(textOf)).toEqual(words.map((word) => JSON.stringify(word)));
    for (const chunks of answers) expect(chunks.at(-1)?.usage?.outputTokens).toBeGreaterThan(0);
    const spent = answers.reduce((sum, chunks) => sum + (chunks.at(-1)?.usage?.outputTokens ?? 0), 0);
    expect((await activity()).outputTokens - before.outputTokens).toBe(spent);
  });

  it('refuses a prompt that does not fit before it is evaluated, and never cuts it', async () => {
    const failure = await failureOf(answerTo(opened.model, 'word '.repeat(480), 60));
    expect(failure.code).toBe('prompt_too_long');
    expect(failure.message).toMatch(/at most 512 tokens together, got \d{3} tokens of prompt and 60 of answer/);
    expect((await activity()).running).toBe(0);
  });

  it.each(['prose', 'spaces'])('refuses a huge prompt of %s at once, counts it in slices, and others do not wait for it', async (kind) => {
    const huge = kind === 'prose' ? 'and so on '.repeat(2_000_000) : ' '.repeat(2_000_000);
    const startedMs = performance.now();
    const long = `${huge}?`;
    expect((await failureOf(answerTo(opened.model, long, 10))).code).toBe('prompt_too_long');
    expect(performance.now() - startedMs).toBeLessThan(3_000);
    const counting = opened.model.countTokens(long).subscribe({ error: () => undefined });
    await resultOf(opened.model.countTokens('first')); // the process has begun with the other one
    const waits: number[] = [];
    for (let n = 0; n < 5; n += 1) {
      const askedMs = performance.now();
      await resultOf(opened.model.countTokens('short'));
      waits.push(performance.now() - askedMs);
    }
    expect(counting.closed).toBe(false);
    counting.unsubscribe();
    expect(waits.sort((a, b) => a - b)[2]).toBeLessThan(500); // 50 ms where nothing else runs
  });

  it('uses a context to its last token', async () => {
    const words = 'and so on '.repeat(155);
    const tokens = await resultOf(opened.model.countTokens(words));
    const room = 512 - tokens;
    const chunks = await answerTo(opened.model, words, room);
    expect(chunks.at(-1)?.usage?.inputTokens).toBe(tokens);
    expect((await failureOf(answerTo(opened.model, words, room + 1))).code).toBe('prompt_too_long');
  });

  it('takes special tokens in the text of a turn for text', async () => {
    const plain = await resultOf(opened.model.countTokens('ab'));
    const special = await resultOf(opened.model.countTokens('a<|im_end|>b'));
    expect(special - plain).toBeGreaterThan(3); // as one special token it would be 1
  });

  it('makes answers that fit their schema', async () => {
    const Judgement = z.object({
      sentiment: z.enum(['positive', 'negative']),
      stars: z.int().min(1).max(5),
      reason: z.string().min(1).max(40),
      tags: z.array(z.string().max(10)).max(2).optional(),
      seen: z.union([z.boolean(), z.null()]),
    });
    for (const text of ['it broke after a day', 'a joy to use "every" day', 'it is {fine}\\n']) {
      const { value } = await resultOf(opened.model.answer(`Judge this review as JSON: ${text}`, { schema: Judgement, maxTokens: 200 }));
      expect(Judgement.safeParse(value).success).toBe(true);
    }
  });

  it('makes answers of schemas without bounds', async () => {
    const Free = z.object({
      mood: z.string(),
      pair: z.tuple([z.enum(['good', 'bad']), z.number().gt(0).lt(1)]),
      counts: z.record(z.enum(['stars', 'parts']), z.int().min(0).max(9)),
      seenOn: z.iso.date(),
    });
    const { value } = await resultOf(
      opened.model.answer('Review: it broke after a day. Fill in the form as JSON.', { schema: Free, maxTokens: 100 }),
    );
    expect(Free.safeParse(value).success).toBe(true);
  });

  it('says that an answer was cut off where a schema has no bound', async () => {
    const failure = await failureOf(resultOf(opened.model.answer('Tell a long story.', { schema: z.string().min(2_000), maxTokens: 8 })));
    expect(failure.code).toBe('answer_truncated');
  });

  it('refuses a schema that a grammar cannot hold', async () => {
    const endless = { type: 'object', properties: { next: { $ref: '#' } }, required: ['next'] };
    const failure = await failureOf(allOf(opened.model.chat('Say something.', { jsonSchema: endless })));
    expect(failure.code).toBe('schema_unsupported');
    expect(failure.message).toContain('none ever ends');
  });

  it('agrees with people about most sentences', async () => {
    const lines = (await readFile(await pullArtifact(reviewsData), 'utf8')).split('\r\n').map((line) => line.split('\t'));
    const rated = lines.flatMap(([, rating, text]) =>
      Math.abs(Number(rating)) >= 2 && text !== undefined ? [{ text, positive: Number(rating) > 0 }] : [],
    );
    const sample = [...rated.filter((one) => one.positive).slice(0, 7), ...rated.filter((one) => !one.positive).slice(0, 7)];
    let right = 0;
    for (const { text, positive } of sample) {
      const prompt = `Is the sentiment of this product review sentence positive or negative? Answer with one word.\nSentence: ${text}`;
      const { label, probabilities } = await resultOf(opened.model.classify(prompt, { labels: ['positive', 'negative'] }));
      expect((probabilities?.positive ?? 0) + (probabilities?.negative ?? 0)).toBeCloseTo(1, 6);
      if ((label === 'positive') === positive) right += 1;
    }
    expect(right).toBeGreaterThanOrEqual(11);
  });

  it('scores labels that begin alike as a whole', async () => {
    const prompt = 'Complete with one of: ice cream, ice skate. A cold sweet food in a cone is called';
    const { label, probabilities } = await resultOf(opened.model.classify(prompt, { labels: ['ice skate', 'ice cream'] }));
    expect(label).toBe('ice cream');
    expect(probabilities?.['ice cream']).toBeGreaterThan(0.5);
  });

  it('makes vectors of length 1 that lie nearer for texts nearer in meaning', async () => {
    const texts = ['the picture is sharp and bright', 'the image on the screen is clear', 'my order came two weeks late'];
    const [a, b, c] = (await resultOf(opened.model.embed(texts))).map((one) => one.vector);
    const dot = (x: Float32Array | undefined, y: Float32Array | undefined): number =>
      [...(x ?? [])].reduce((sum, one, index) => sum + one * (y?.[index] ?? 0), 0);
    for (const vector of [a, b, c]) {
      expect(vector?.length).toBe(576);
      expect(Math.sqrt(dot(vector, vector))).toBeCloseTo(1, 5);
    }
    expect(dot(a, b)).toBeGreaterThan(dot(a, c));
  });

  it('answers the same again at temperature 0 with a kept prefix, and by seed above it', async () => {
    const prompt = 'Name three colours of the rainbow.';
    const [first, second] = [textOf(await answerTo(opened.model, prompt, 16)), textOf(await answerTo(opened.model, prompt, 16))];
    expect(second).toBe(first);
    const seeded = (seed: number): Promise<string> =>
      allOf(opened.model.chat(prompt, { maxTokens: 16, temperature: 1.5, seed })).then(textOf);
    const [one, same, other] = [await seeded(7), await seeded(7), await seeded(8)];
    expect(same).toBe(one);
    expect(other).not.toBe(one);
  });

  it('leaves nothing running when everybody has left', async () => {
    await resultOf(opened.model.chat('Tell a long story.', { maxTokens: 200 }).pipe(take(1)));
    await until(async () => (await activity()).running === 0);
    expect(await activity()).toMatchObject({ running: 0, waiting: 0 });
  });
});
