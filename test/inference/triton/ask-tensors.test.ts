import { expect, it } from 'vitest';
import recorded from './mlserver-1.7.1.json' with { type: 'json' };
import { asServer, askServer, type TritonExchange } from '../../helpers/inference/triton-exchanges.ts';

const tensor = (name: string, shape: readonly number[], data: object): object => ({ name, shape, data });
const answer = (...outputs: readonly object[]): object => ({ model: 'toy', outputs });
const expected = {
  numbers: answer(tensor('numbers-out', [2, 2], Float32Array.of(1, 2, 3, 4))),
  'texts and large numbers': answer(
    tensor('texts-out', [2, 1], ['', 'žluť 👩‍🚀 "\\\n']),
    tensor('vectors', [2, 2], Float32Array.of(0, 1, 12, 1)),
    tensor('large-out', [2, 1], BigInt64Array.of(2n ** 53n + 1n, -(2n ** 63n))),
  ),
  vectors: [2, 1].map(
    (length) => expect.objectContaining({ vector: Float32Array.from([length, 1], (one) => one / Math.hypot(length, 1)) }) as unknown,
  ),
  'what the model refuses': 'model_rejected',
  'another shape': 'model_rejected',
  'an input that it does not know': answer(tensor('nobody-out', [1, 2], Float32Array.of(1, 2))),
  'a model that is not there': 'model_not_found',
};

it('understands what MLServer said, and asks it nothing else', async () => {
  const left: TritonExchange[] = [...recorded];
  const told = await asServer(({ method, path, body }) => {
    const nth = left.findIndex((one) => one.method === method && one.path === path && one.body === body);
    const [exchange] = nth < 0 ? [] : left.splice(nth, 1);
    if (exchange === undefined) throw new Error(`${method} ${path} ${body} was not asked of the real server`);
    return Promise.resolve(exchange);
  }, askServer);
  expect(told).toEqual(expected);
  expect(left.map(({ path }) => path)).toEqual([]);
});
