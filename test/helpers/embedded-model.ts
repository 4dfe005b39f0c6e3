import { smollm2 } from '../../src/artifacts/catalogue.ts';
import { pullArtifact } from '../../src/artifacts/pull-artifact.ts';
import { systemClock } from '../../src/clock.ts';
import { messageOf } from '../../src/errors.ts';
import { completeModel } from '../../src/inference/complete-model.ts';
import { openLlama, type OpenedLlama } from '../../src/inference/llama/llama.ts';
import { type LlamaOptions, resolveLlamaOptions } from '../../src/inference/llama/llama-options.ts';
import type { Model } from '../../src/inference/model.ts';
import type { OpenContext } from '../../src/resource.ts';

/** The default model's file, or why it cannot be had; with CI=true not having it is a failure. */
export async function embeddedModelFile(): Promise<{ readonly path: string } | { readonly path: undefined; readonly reason: string }> {
  try {
    return { path: await pullArtifact(smollm2) };
  } catch (error) {
    if (process.env['CI'] === 'true') throw error;
    console.warn(`the tests with a real model are skipped: ${messageOf(error)}`);
    return { path: undefined, reason: messageOf(error) };
  }
}

export const quietContext = (): OpenContext => ({ clock: systemClock, signal: new AbortController().signal, log: () => undefined });

/** A model for tests: without flash attention answers depend less on what runs beside them. */
export async function openEmbedded(
  options: Partial<LlamaOptions> = {},
  { log, entry }: { readonly log?: OpenContext['log']; readonly entry?: URL } = {},
): Promise<OpenedLlama & { readonly model: Model; readonly close: () => Promise<void> }> {
  const resolved = resolveLlamaOptions({ model: 'smollm2', flashAttention: false, contextTokens: 512, ...options });
  const opened = await openLlama(resolved, { ...quietContext(), ...(log && { log }) }, entry);
  return { ...opened.value, model: completeModel(opened.value.backend), close: () => opened.close() };
}
