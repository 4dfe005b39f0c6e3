import { OptionError } from './errors.ts';

/**
 * JSON with the members of objects in order, so that equal values have one text. An absent member and one that is undefined are the same; an item that is
 * undefined is null, as JSON has it.
 * @param of who asks, for the message.
 * @throws OptionError for what JSON cannot hold, which could not be told from another.
 */
export function canonicalJson(of: string, value: unknown): string {
  if (value === undefined || value === null) return 'null';
  if (Array.isArray(value)) return `[${value.map((one) => canonicalJson(of, one)).join(',')}]`;
  if (typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value)))
    return JSON.stringify(value);
  if (typeof value !== 'object' || !isPlain(value)) throw new OptionError(`${of} takes what JSON can hold, got ${nameOf(value)}`);
  const members = Object.entries(value).filter(([, one]) => one !== undefined);
  members.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, one]) => `${JSON.stringify(name)}:${canonicalJson(of, one)}`).join(',')}}`;
}

const isPlain = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
};

const nameOf = (value: unknown): string => (typeof value === 'object' && value !== null ? `a ${value.constructor.name}` : String(value));
