import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LlamaOptions } from '../../src/inference/llama/llama-options.ts';
import type { Model } from '../../src/inference/model.ts';
import { embeddedModelFile, openEmbedded } from '../helpers/embedded-model.ts';
import { failureOf } from '../helpers/failure-of.ts';
import { writeLora } from '../helpers/lora-file.ts';
import { allOf, resultOf } from '../helpers/result-of.ts';

const file = await embeddedModelFile();

async function withModel<T>(options: Partial<LlamaOptions>, use: (model: Model) => Promise<T>): Promise<T> {
  const { model, close } = await openEmbedded({ sequences: 1, contextTokens: 256, ...options });
  try {
    return await use(model);
  } finally {
    await close();
  }
}

const counted = 'one, two, three, four,';
const continued = async (model: Model, text = counted): Promise<string> =>
  (await allOf(model.complete(text, { maxTokens: 8 }))).map((chunk) => chunk.text).join('');

describe.skipIf(file.path === undefined)('options of the engine', () => {
  let folder: string;
  let lora: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-tuning-'));
    lora = join(folder, 'lora.gguf');
    await writeLora(lora);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each<{ what: string; options: Partial<LlamaOptions> }>([
    { what: 'keys and values of 8 bits', options: { kvCacheType: 'q8_0', flashAttention: true } },
    {
      what: 'keys of 8 bits, a small batch, no layers on a GPU, and an adapter of scale 0',
      options: { kvCacheType: { keys: 'q8_0', values: 'f16' }, batchTokens: 32, gpuLayers: 0, lora: [{ path: '', scale: 0 }] },
    },
  ])('goes on counting with $what', async ({ options }) => {
    const adapters = options.lora?.map((one) => ({ ...one, path: lora }));
    expect(await withModel({ ...options, ...(adapters && { lora: adapters }) }, continued)).toMatch(/^ five, six/);
  });

  it('answers otherwise with a LoRA adapter', async () => {
    expect(await withModel({ lora: [{ path: lora }] }, continued)).not.toMatch(/^ five, six/);
  });

  it('names an adapter that is missing', async () => {
    const failure = await failureOf(withModel({ lora: [{ path: join(folder, 'none.gguf') }] }, continued));
    expect(failure.code).toBe('model_not_found');
    expect(failure.message).toContain('none.gguf: check llama.lora');
  });

  it('fits the context to the machine', async () => {
    const contextTokens = await withModel({ contextTokens: 'auto' }, (model) => Promise.resolve(model.capabilities.contextTokens ?? 0));
    expect(contextTokens).toBeGreaterThan(256);
    expect(contextTokens).toBeLessThanOrEqual(8_192);
  });

  it('pools vectors of tokens as it is told', async () => {
    const [word, sentence] = ['hello', 'the mill grinds the grain'];
    const vectors = (pooling: 'mean' | 'cls' | 'last' | undefined) =>
      withModel(pooling === undefined ? {} : { pooling }, async (model) =>
        (await resultOf(model.embed([word, sentence]))).map(({ vector }) => [...vector]),
      );
    const [plain, last, mean, cls] = [await vectors(undefined), await vectors('last'), await vectors('mean'), await vectors('cls')];
    expect(plain).toEqual(last); // the default model's file says nothing
    for (const other of [mean, cls]) {
      const close = (other[0] ?? []).map((value) => expect.closeTo(value, 4) as number);
      expect(last[0]).toEqual(close); // a text of one token
      expect(similarity(other[1], last[1])).toBeLessThan(0.99);
    }
    expect(similarity(mean[1], cls[1])).toBeLessThan(0.99);
  });
});

const similarity = (a: readonly number[] = [], b: readonly number[] = []): number => a.reduce((sum, one, i) => sum + one * (b[i] ?? 0), 0);
