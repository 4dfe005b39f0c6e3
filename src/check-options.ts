import { OptionError } from './errors.ts';
import { nearest } from './nearest.ts';

/** Every option's name, told to the compiler so that none is forgotten when another one is added. */
export type OptionNames<T extends object> = Readonly<Record<keyof T, true>>;

/**
 * Whoever writes JavaScript, or builds options from data, hears of a name that means nothing, which would otherwise be a
 * default in silence.
 * @throws OptionError unless `given` is an object that holds nothing but the options `names`; with what was meant, perhaps.
 */
export function requireOptions<T extends object>(of: string, given: T, names: OptionNames<T>): void {
  requireObject(of, given);
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(names, name)) continue;
    const all = Object.keys(names);
    const meant = nearest(name, all);
    throw new OptionError(`${of} has no option ${name}; ${meant === undefined ? `it takes ${all.join(', ')}` : `did you mean ${meant}?`}`);
  }
}

/** @throws OptionError unless `given` is an object with these functions. */
export function requireMethods(name: string, given: unknown, methods: readonly string[], example: string): void {
  const missing = isObject(given) ? methods.find((method) => typeof Reflect.get(given as object, method) !== 'function') : '';
  if (missing === undefined) return;
  const got = missing === '' ? sort(given) : `one without ${missing}()`;
  throw new OptionError(`${name} must be ${example}, got ${got}`);
}

/** @throws OptionError unless `given` is a function. */
export function requireFunction(name: string, given: unknown, shape: string): void {
  if (typeof given !== 'function') throw new OptionError(`${name} must be a function ${shape}, got ${sort(given)}`);
}

/** @throws OptionError unless `given` is true or false. */
export function requireBoolean(name: string, given: unknown): asserts given is boolean {
  if (typeof given !== 'boolean') throw new OptionError(`${name} must be true or false, got ${sort(given)}`);
}

/** @throws OptionError unless `given` is an object. */
export function requireObject(name: string, given: unknown): void {
  if (!isObject(given)) throw new OptionError(`${name} takes an object { … }, got ${sort(given)}`);
}

/** No guard, so that it may be asked of what the types already promise. */
export const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);

const sort = (value: unknown): string => (value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value);
