import { isAbsolute } from 'node:path';
import type { Artifact, PullProgress } from '../../artifacts/artifact.ts';
import { cacheFolder } from '../../artifacts/cache-folder.ts';
import { artifactNamed } from '../../artifacts/catalogue.ts';
import { pullArtifact } from '../../artifacts/pull-artifact.ts';
import { cachedFile } from '../../artifacts/cached-file.ts';
import { requireArtifact } from '../../artifacts/require-artifact.ts';
import { OptionError } from '../../errors.ts';
import type { OpenContext } from '../../resource.ts';
import { type CheckedFile, checkModelFile } from './gguf/check-model-file.ts';
import type { ResolvedLlamaOptions } from './llama-options.ts';

/** Whether a model is given by where it lies, not by name. */
export const isModelPath = (model: string): boolean => !/^(hf|https):/.test(model) && (isAbsolute(model) || /[\\/]|\.gguf$/i.test(model));

/** The artifact of a model that is given by name. @throws OptionError for a name nobody knows, and for what is no model. */
export function modelNamed(model: string): Artifact {
  const artifact = artifactNamed(model);
  if (!artifact.file.endsWith('.gguf')) throw new OptionError(`llama.model must name a model, got ${JSON.stringify(model)}`);
  return artifact;
}

/**
 * The model's file: as given, or from the cache, where a named model is checked against its checksum. Its header has been read.
 *
 * @throws OptionError for a name nobody knows, and for a file that the options do not allow; InferenceError `model_not_found`, `model_damaged` with the command to run.
 */
export async function findModel(options: ResolvedLlamaOptions, context: OpenContext): Promise<CheckedFile> {
  const { model, pull, sha256, modelRoot, maxModelBytes, cacheFolder: folder } = options;
  const rules = { modelRoot, maxModelBytes, sha256 };
  if (isModelPath(model)) return checkModelFile(model, rules);
  const artifact = { ...modelNamed(model), ...(sha256 !== undefined && { sha256 }) };
  const path = pull ? await fetched(artifact, options, context) : await requireArtifact(artifact, folder);
  // its checksum is known to be right, and it lies in the cache
  return checkModelFile(path, { ...rules, modelRoot: undefined, sha256: undefined });
}

/** What no checksum of ours holds comes only where somebody has allowed it. */
async function fetched(
  artifact: Artifact,
  { model, allowRemote, cacheFolder: folder }: ResolvedLlamaOptions,
  context: OpenContext,
): Promise<string> {
  const { clock, signal, log } = context;
  if (artifact.sha256 === undefined && !allowRemote) {
    const found = await cachedFile(artifact, folder ?? cacheFolder());
    if (found.state === 'present') return found.path;
    throw new OptionError(
      `${model} would be fetched from elsewhere: run \`millrace pull ${model}\` once, pin it by llama.sha256, or allow it with llama.allowRemote or MILLRACE_ALLOW_REMOTE_MODELS=1`,
    );
  }
  let said: string | undefined;
  const onProgress = ({ phase, source, bytes, totalBytes }: PullProgress): void => {
    if (said === phase) return;
    said = phase;
    log(phase === 'ready' ? 'debug' : 'info', `model ${model}: ${phase}`, { source, bytes, totalBytes });
  };
  return pullArtifact(artifact, { folder: folder ?? cacheFolder(), clock, signal, onProgress });
}
