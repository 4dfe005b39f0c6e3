import { expect, it } from 'vitest';
import { apart } from '../../../src/transport/kafka/fetch-errors.ts';

const parse = apart((answer: { readonly responses: readonly { readonly partitions: readonly { errorCode: number }[] }[] }) => {
  const failed = answer.responses.flatMap(({ partitions }) => partitions).find(({ errorCode }) => errorCode !== 0);
  return failed ? Promise.reject(new Error(`code ${String(failed.errorCode)}`)) : Promise.resolve(answer);
});
const answered = (...codes: readonly number[]) => ({ responses: [{ partitions: codes.map((errorCode) => ({ errorCode })) }] });

it.each([
  [-1, 'UNKNOWN_SERVER_ERROR'],
  [2, 'CORRUPT_MESSAGE'],
  [56, 'KAFKA_STORAGE_ERROR'],
])('a partition that the broker cannot read (%i) does not take what the others brought', async (code, fetchError) => {
  expect(await parse(answered(0, code, 0))).toEqual({
    responses: [{ partitions: [{ errorCode: 0 }, { errorCode: 0, fetchError }, { errorCode: 0 }] }],
  });
});

it.each([1, 3, 6, 29, 74])('what the client has to act on stays a failure: %i', async (code) => {
  await expect(parse(answered(0, code, 2))).rejects.toThrow(`code ${String(code)}`);
});
