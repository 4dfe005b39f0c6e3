import { expect, it } from 'vitest';
import { isStrictSchema } from '../../../src/inference/openai/is-strict-schema.ts';

const closed = (properties: object, required = Object.keys(properties)): object => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
});
const text = { type: 'string' };

it.each<[string, unknown, boolean]>([
  ['a closed object', closed({ a: text }), true],
  ['an open one', { type: 'object', properties: { a: text }, required: ['a'] }, false],
  ['one with a choice of names', closed({ a: text, b: text }, ['a']), false],
  ['one that requires nothing by name', { ...closed({ a: text }), required: 'a' }, false],
  ['an open one in a property', closed({ a: { type: 'object', properties: { b: text } } }), false],
  ['a property that is called properties', closed({ properties: text }), true],
  ['an open one in a list', { type: 'array', items: { type: 'object', properties: { b: text } } }, false],
  ['an open one of several', { anyOf: [text, { type: 'object', properties: {} }] }, false],
  ['an open one among definitions', { ...closed({}), $defs: { a: { type: 'object', properties: { b: text } } } }, false],
  ['no object at all', text, true],
])('%s: %3$s', (_, schema, expected) => {
  expect(isStrictSchema(schema)).toBe(expected);
});
