import { createHash } from 'node:crypto';
import { OptionError } from '../errors.ts';

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
    .update(canonical([model, prompt, parameters, schema]))
    .digest('base64url');

/** JSON with its members in order. */
function canonical(value: unknown): string {
  if (value === undefined || value === null) return 'null';
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value)))
    return JSON.stringify(value);
  if (typeof value !== 'object' || !isPlain(value)) throw new OptionError(`callKey takes what JSON can hold, got ${nameOf(value)}`);
  const members = Object.entries(value).filter(([, one]) => one !== undefined);
  members.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, one]) => `${JSON.stringify(name)}:${canonical(one)}`).join(',')}}`;
}

const isPlain = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
};

const nameOf = (value: unknown): string => (typeof value === 'object' && value !== null ? `a ${value.constructor.name}` : String(value));
