import { OptionError } from '../../errors.ts';

/** @throws OptionError unless it is a list of strings, which may be empty. */
export function requireTexts(name: string, texts: unknown): asserts texts is readonly string[] {
  if (Array.isArray(texts) && texts.every((text) => typeof text === 'string')) return;
  throw new OptionError(`${name} must be a list of strings`);
}

/** @throws OptionError unless it is a string; a blank one is data, not a mistake in code. */
export function requireString(name: string, text: unknown): asserts text is string {
  if (typeof text !== 'string') throw new OptionError(`${name} must be a string, got ${typeof text}`);
}
