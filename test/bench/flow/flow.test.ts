import { describe, expect, it } from 'vitest';
import { rows } from '../flow.ts';

const others = Object.keys(rows).filter((row) => row !== 'capacity 32, 8, 32'); // it has tests of its own

describe('the short form of the flow benchmark', { timeout: 60_000 }, () => {
  it.each(others)('%s', async (row) => {
    const context = { short: true, signal: new AbortController().signal, folder: '', say: () => undefined };
    const { measured, pass } = (await rows[row]?.(context)) ?? { measured: [], pass: false };
    expect([pass, measured.length > 0]).toEqual([true, true]);
    expect(measured.filter((one) => !one.pass)).toEqual([]);
  });
});
