import { InferenceError } from '../../../errors.ts';
import type { JsonSchema } from '../../model.ts';
import { every, everyOfPlane, inString } from './character-set.ts';
import { type Bounds, type GrammarNode, nothing, sequence, text, times } from './grammar-node.ts';
import { decimalGrammar, integerGrammar, maxDigits } from './number-grammar.ts';
import { patternGrammar } from './pattern-grammar.ts';
import { stringFormats } from './string-formats.ts';

/** Longer lists and strings than any context holds; beyond it only the check counts. */
const mostRepeats = 100_000;

/** @throws InferenceError `schema_unsupported`, always. */
export function refuseSchema(path: string, why: string): never {
  throw new InferenceError('schema_unsupported', `the grammar of the embedded model cannot hold ${path}: ${why}`);
}

export function boundsOf(schema: JsonSchema, least: string, most: string, path: string): Bounds {
  const given = (name: string): number | undefined => {
    const value = schema[name];
    if (value === undefined || (typeof value === 'number' && Number.isInteger(value) && value >= 0)) return value;
    return refuseSchema(path, `${name} must be a whole number from 0, got ${JSON.stringify(value)}`);
  };
  const bounds = { least: given(least) ?? 0, most: given(most) ?? Number.POSITIVE_INFINITY };
  if (bounds.least > bounds.most) return refuseSchema(path, `${least} ${String(bounds.least)} is above ${most} ${String(bounds.most)}`);
  return { least: Math.min(bounds.least, mostRepeats), most: bounds.most > mostRepeats ? Number.POSITIVE_INFINITY : bounds.most };
}

/** By its pattern, or else by its format, or else by its length alone. */
export function stringGrammar(schema: JsonSchema, path: string): GrammarNode {
  const { pattern, format } = schema;
  const bounds = boundsOf(schema, 'minLength', 'maxLength', path);
  const known = typeof format === 'string' && Object.hasOwn(stringFormats, format) ? stringFormats[format] : undefined;
  for (const one of [pattern, known]) {
    const node = typeof one === 'string' ? patternGrammar(one, bounds, known !== undefined) : undefined;
    if (node) return node;
  }
  return anyString(bounds);
}

export function anyString({ least, most }: Bounds = { least: 0, most: Number.POSITIVE_INFINITY }): GrammarNode {
  const character = inString(Number.isFinite(most) ? everyOfPlane : every) ?? nothing;
  return sequence(text('"'), times(character, least, most), text('"'));
}

export function numberGrammar(schema: JsonSchema, type: 'integer' | 'number', path: string): GrammarNode {
  const limit = 10 ** maxDigits - 1;
  const given = (name: string, fallback: number): number => {
    const value = schema[name] ?? fallback;
    return typeof value === 'number' ? value : refuseSchema(path, `${name} must be a number`);
  };
  const [above, below] = [given('exclusiveMinimum', -limit - 1), given('exclusiveMaximum', limit + 1)];
  const [least, most] = [Math.max(-limit, given('minimum', -limit)), Math.min(limit, given('maximum', limit))];
  if (type === 'integer') {
    const [low, high] = [Math.max(Math.ceil(least), Math.floor(above) + 1), Math.min(Math.floor(most), Math.ceil(below) - 1)];
    return low > high ? refuseSchema(path, 'no whole number of 15 digits lies between its bounds') : integerGrammar(low, high);
  }
  const [low, high] = [
    above >= least ? { value: above, isOpen: true } : { value: least, isOpen: false },
    below <= most ? { value: below, isOpen: true } : { value: most, isOpen: false },
  ];
  const node = low.value > limit || high.value < -limit ? undefined : decimalGrammar(low, high);
  return node ?? refuseSchema(path, 'no number of 15 digits and six decimals lies between its bounds');
}
