import { createHash } from 'node:crypto';
import { canonicalJson } from '../canonical-json.ts';

/** What an answer depends on. Two calls with the same key may be answered by one. */
export interface CallKeyParts {
  /** Which model, as it is named where it is served. */
  readonly model: string;
  readonly prompt: unknown;
  /** Temperature, seed, longest answer, tools: all that changes the answer. @defaultValue none */
  readonly parameters?: unknown;
  /** The JSON Schema that the answer must obey. @defaultValue none */
  readonly schema?: unknown;
}

/**
 * The exact key of a call, for `cachedBy`: a digest of what the answer depends on. The order of an object's members is no difference, an absent member and
 * one that is undefined are the same; everything else is.
 * @throws OptionError for a part that JSON cannot hold, which could not be told from another.
 */
export const callKey = ({ model, prompt, parameters, schema }: CallKeyParts): string =>
  createHash('sha256')
    .update(canonicalJson('callKey', [model, prompt, parameters, schema]))
    .digest('base64url');
