import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findModel } from '../../../src/inference/llama/find-model.ts';
import { type LlamaOptions, resolveLlamaOptions } from '../../../src/inference/llama/llama-options.ts';
import { quietContext } from '../../helpers/embedded-model.ts';
import { failureOf } from '../../helpers/failure-of.ts';
import { makeGguf } from './gguf/make-gguf.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-find-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));
const find = (options: LlamaOptions) => findModel(resolveLlamaOptions({ cacheFolder: folder, ...options }), quietContext());

it.each(['hf:owner/repo/model.gguf', 'https://models.invalid/model.gguf'])('fetches %s only where that is allowed', async (model) => {
  const failure = await failureOf(find({ model, pull: true }));
  expect(failure.code).toBe('invalid_option');
  expect(failure.message).toMatch(
    /would be fetched from elsewhere: run `millrace pull .*llama\.sha256.*llama\.allowRemote.*MILLRACE_ALLOW_REMOTE_MODELS=1/,
  );
  expect((await failureOf(find({ model }))).code).toBe('model_not_found');
});

it('takes what lies in the cache, and looks at it', async () => {
  const path = join(folder, 'models/hf/owner/repo/mine.gguf');
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, makeGguf());
  const model = 'hf:owner/repo/mine.gguf';
  const elsewhere = join(folder, 'elsewhere');
  await expect(find({ model, pull: true, modelRoot: elsewhere })).resolves.toMatchObject({ path });
  await writeFile(path, makeGguf({ version: 9 }));
  expect((await failureOf(find({ model }))).code).toBe('model_damaged');
});
