import { type Opened, type OpenContext, type Resource, sharedResource } from '../../resource.ts';
import { completeModel } from '../complete-model.ts';
import type { Model } from '../model.ts';
import { findModel, isModelPath, modelNamed } from './find-model.ts';
import { type LlamaBackend, llamaBackend } from './llama-backend.ts';
import { type LlamaOptions, type ResolvedLlamaOptions, resolveLlamaOptions } from './llama-options.ts';
import { ModelPool } from './model-pool.ts';
import { machineParts, placementsFor } from './placements.ts';

export type { LlamaOptions } from './llama-options.ts';

/**
 * A model on this machine, from a GGUF file, with llama.cpp in processes of its own (`processes`); a GPU is used where there is one. Use
 * it where data must not leave the machine, or for a small model near the records.
 *
 * In: prompts whose tokens, with the longest answer, fit into `contextTokens` (`prompt_too_long` otherwise, before anything
 * is evaluated). Out: answers in pieces; `answer` obeys its JSON Schema as a grammar, as far as a grammar can say it
 * (what it says, and what is only checked, stands in `llama.md`), which refuses what allows nothing or is too large (`schema_unsupported`); `classify` reads log-probabilities; `embed` gives vectors of length 1.
 * `logProbabilities` are of the distribution that the token was drawn from: at temperature 0 the model's own, else after temperature,
 * `topK`, `topP` and `minP`; a schema's grammar has taken out what it forbids. Those of alternatives cost some milliseconds a token.
 * Sampling that is not asked for is off. `stopTokens` that the model does not have are `model_rejected`.
 * Long texts become tokens in slices of 16,000 characters, and other calls go on between them; a prompt that cannot fit is refused as soon as that is known. `countTokens` of more than a million
 * characters is right to within a few tokens a turn.
 * What prompts begin with (system turn, examples) is evaluated once in each process and kept; put what differs last.
 * Holds `sequences` calls a process and `maxWaiting` more, which wait in order; above that calls fail with `overloaded`.
 * Ends: an answer completes with usage; a crash of a process, or of the device under it, fails the calls in it with `model_crashed`
 * (another try, no attempt) and starts it again. Tried again they run one at a time with nothing else in the process: the one that
 * brings it down twice fails with `model_killed`. Unsubscribing stops within one token, or one piece of 96 tokens of the prompt.
 *
 * At temperature 0 on a CPU, `flashAttention: false` gives the same answer to the same prompt bit for bit: alone and beside other calls, with a kept or
 * copied prefix and without (`npm run prove -- model-alike`). With flash attention, and on a GPU, the last bits depend on where the pieces
 * of a prompt begin, and a small model amplifies them: some answers to the same prompt differ.
 * What an earlier answer has said and the next prompt repeats (an assistant's turn) is kept, too, and was computed token by token. Other builds and
 * machines differ in any case: sure are only cassettes.
 * The file is mapped into memory: put another in its place by renaming, never by writing into it. What was loaded goes on; a process that is started again loads no other file
 * than the one that was opened. One that was written to ends the processes, and calls fail with `model_damaged`.
 *
 * @throws OptionError at the call for options out of range. Opening fails with `missing_dependency` (node-llama-cpp is an
 * optional peer dependency), `model_not_found`, `model_damaged`, each with the command to run.
 */
export function llama(options: LlamaOptions): Resource<Model> {
  const resolved = resolveLlamaOptions(options);
  if (!isModelPath(resolved.model)) modelNamed(resolved.model); // an unknown name fails here, not at the start
  return sharedResource(`llama(${resolved.model})`, async (context) => {
    const opened = await openLlama(resolved, context);
    return { value: completeModel(opened.value.backend), close: () => opened.close() };
  });
}

/** The parts of an opened model; `pool` for tests that end its processes. */
export interface OpenedLlama {
  readonly backend: LlamaBackend;
  readonly pool: ModelPool;
}

/** Opens a model as a back end; `entry` for tests that put something else into the processes. */
export async function openLlama(options: ResolvedLlamaOptions, context: OpenContext, entry?: URL): Promise<Opened<OpenedLlama>> {
  const { model, maxWaiting, gpu, gpuDevices, processes, sequences, contextTokens, flashAttention, embeddings, tuning } = options;
  const { path: modelPath, identity: modelIdentity } = await findModel(options, context);
  const placements = placementsFor(processes, gpu, machineParts(), gpuDevices);
  const threads = Math.max(1, Math.floor(options.threads / placements.length));
  const settings = {
    modelPath,
    modelIdentity,
    gpu,
    contextTokens,
    sequences,
    threads,
    flashAttention,
    embeddings,
    memoryShare: 1 / placements.length,
    tuning,
  };
  const { pool, facts } = await ModelPool.start({
    settings,
    placements,
    maxWaiting,
    maxMemoryBytes: options.maxMemoryBytes,
    context,
    ...(entry && { entry }),
  });
  context.log('info', `model ${model} is ready`, { ...facts, processes: placements.length });
  return { value: { backend: llamaBackend(pool, model, facts, embeddings), pool }, close: () => pool.close() };
}
