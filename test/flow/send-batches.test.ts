import { describe, expect, it } from 'vitest';
import { maxBytesASend, maxRecordsASend, sendBatches } from '../../src/flow/send-batches.ts';

const one = (bytes: number) => ({ record: { key: null, value: new Uint8Array(bytes), headers: [] } });
const half = maxBytesASend / 2;

describe('sendBatches', () => {
  it.each([
    ['nothing', [], []],
    ['as many records as a send may have', Array<number>(maxRecordsASend).fill(1), [maxRecordsASend]],
    ['one more', Array<number>(maxRecordsASend + 1).fill(1), [maxRecordsASend, 1]],
    ['more bytes than a send may have', [half, half, 1], [1, 2]],
    ['one that is too large alone', [1, 2 * maxBytesASend, 1], [1, 1, 1]],
    ['one that is too large first', [2 * maxBytesASend, 1], [1, 1]],
  ])('cuts %s', (_, sizes, sends) => {
    const all = sizes.map(one);
    const batches = [...sendBatches(all)];
    expect(batches.map(({ length }) => length)).toEqual(sends);
    expect(batches.flat()).toEqual(all); // in order, and each once
  });
});
