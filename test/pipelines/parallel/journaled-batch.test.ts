import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { of } from 'rxjs';
import { expect, it, onTestFinished } from 'vitest';
import { parallel } from '../../../pipelines/parallel/index.ts';
import { numbers, outcomes } from '../../helpers/engine-rig.ts';

async function folder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'millrace-journaled-batch-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

async function work(dir: string, inputs: readonly number[], fails: (n: number) => unknown = () => undefined) {
  const asked: number[] = [];
  await using engine = parallel<number, unknown>({
    ...{ journal: dir, journalKey: 'doubled', batchSize: 4, attempts: 1, breakerFailures: false },
    runBatch: (batch) => {
      asked.push(...batch);
      return of(batch.map((n) => fails(n) ?? 2 * n));
    },
  });
  const results = await engine.submit(inputs).all();
  return { asked: asked.sort((a, b) => a - b), results: outcomes(results) };
}

it('batches: what is in the journal is not asked again, by a later run neither', async () => {
  const dir = await folder();
  expect(await work(dir, numbers(6))).toEqual({ asked: numbers(6), results: [0, 2, 4, 6, 8, 10] });
  expect(await work(dir, numbers(9))).toEqual({ asked: [6, 7, 8], results: [0, 2, 4, 6, 8, 10, 12, 14, 16] });
  expect(await work(dir, numbers(9))).toMatchObject({ asked: [] });
});

it('batches: an Error is not written, and what JSON cannot hold fails alone', async () => {
  const dir = await folder();
  const odd = (n: number): unknown => (n === 1 ? new Error('not this one') : n === 2 ? 5n : undefined);
  expect((await work(dir, numbers(4), odd)).results).toEqual([0, 'not this one', 'encode_failed', 6]);
  expect(await work(dir, numbers(4))).toEqual({ asked: [1, 2], results: [0, 2, 4, 6] });
});
