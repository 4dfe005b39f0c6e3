import { InferenceError } from '../errors.ts';
import type { Artifact } from './artifact.ts';
import { cacheFolder } from './cache-folder.ts';
import { type CachedFile, cachedFile } from './cached-file.ts';

/**
 * The path of an artifact that must be in the cache already. Downloads nothing.
 *
 * @throws InferenceError `model_not_found` when it is missing, `model_damaged` when it is cut off or altered; both say what to run.
 */
export async function requireArtifact(artifact: Artifact, folder: string = cacheFolder()): Promise<string> {
  const found = await cachedFile(artifact, folder);
  if (found.state === 'present') return found.path;
  throw artifactError(artifact.name, found);
}

function artifactError(name: string, found: Exclude<CachedFile, { state: 'present' }>): InferenceError {
  const fix = `run \`millrace pull ${name}\``;
  switch (found.state) {
    case 'missing':
      return new InferenceError('model_not_found', `${name} is not at ${found.path}: ${fix}`);
    case 'truncated': {
      const sizes = `${String(found.bytes)} of ${String(found.expectedBytes)} bytes`;
      return new InferenceError('model_damaged', `${name} at ${found.path} is cut off after ${sizes}: ${fix} to fetch it again`);
    }
    case 'damaged':
      return new InferenceError('model_damaged', `${name} at ${found.path} is damaged, ${found.why}: ${fix} to fetch it again`);
  }
}
