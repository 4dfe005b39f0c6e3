import { isAbsolute } from 'node:path';
import type { Artifact, PullProgress } from '../../artifacts/artifact.ts';
import { cacheFolder } from '../../artifacts/cache-folder.ts';
import { artifactNamed } from '../../artifacts/catalogue.ts';
import { pullArtifact } from '../../artifacts/pull-artifact.ts';
import { requireArtifact } from '../../artifacts/require-artifact.ts';
import { OptionError } from '../../errors.ts';
import type { OpenContext } from '../../resource.ts';
import type { ResolvedLlamaOptions } from './llama-options.ts';

/** Whether a model is given by where it lies, not by name. */
export const isModelPath = (model: string): boolean => !model.startsWith('hf:') && (isAbsolute(model) || /[\\/]|\.gguf$/i.test(model));

/** The artifact of a model that is given by name. @throws OptionError for a name nobody knows, and for what is no model. */
export function modelNamed(model: string): Artifact {
  const artifact = artifactNamed(model);
  if (!artifact.file.endsWith('.gguf')) throw new OptionError(`llama.model must name a model, got ${JSON.stringify(model)}`);
  return artifact;
}

/**
 * The path of the model's file: as given, or from the cache, where a named model is checked against its checksum.
 *
 * @throws OptionError for a name nobody knows; InferenceError `model_not_found`, `model_damaged` with the command to run.
 */
export async function findModel(
  { model, pull, cacheFolder: folder = cacheFolder() }: ResolvedLlamaOptions,
  context: OpenContext,
): Promise<string> {
  if (isModelPath(model)) return model; // told apart from a damaged one where it is opened
  const artifact = modelNamed(model);
  if (!pull) return requireArtifact(artifact, folder);
  const { clock, signal, log } = context;
  let said: string | undefined;
  const onProgress = ({ phase, source, bytes, totalBytes }: PullProgress): void => {
    if (said === phase) return;
    said = phase;
    log(phase === 'ready' ? 'debug' : 'info', `model ${model}: ${phase}`, { source, bytes, totalBytes });
  };
  return pullArtifact(artifact, { folder, clock, signal, onProgress });
}
