import { describe, expect, it } from 'vitest';
import { callKey } from '../../src/policies/call-key.ts';

const parts = {
  model: 'm',
  prompt: [{ role: 'user', content: 'hi' }],
  parameters: { temperature: 0, seed: 1 },
  schema: { type: 'object' },
};

describe('callKey', () => {
  it('is the same whatever the order of members, and with members that are undefined', () => {
    const same = { ...parts, parameters: { seed: 1, topP: undefined, temperature: 0 } };
    expect(callKey(same)).toBe(callKey(parts));
  });

  it.each([
    { model: 'n' },
    { prompt: [{ role: 'user', content: 'hi ' }] },
    { prompt: 'hi' },
    { parameters: { temperature: 0, seed: '1' } },
    { parameters: undefined },
    { schema: { type: ['object'] } },
    { schema: undefined },
  ])('is another with %j', (change) => {
    expect(callKey({ ...parts, ...change })).not.toBe(callKey(parts));
  });

  it.each([[new Date(0)], [new Map()], [Number.NaN], [1n], [() => 1]])('refuses %s, which JSON would lose', (prompt) => {
    expect(() => callKey({ model: 'm', prompt })).toThrow('callKey takes what JSON can hold');
  });
});
