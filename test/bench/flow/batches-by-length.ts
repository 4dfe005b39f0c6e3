import { batchDynamic, type BatchDynamicOptions, mapConcurrent, unbatch } from '../../../operators/index.ts';
import { call } from '../../../src/call.ts';
import { sleep } from '../../../src/clock.ts';
import type { ExperimentResult, Finding } from '../../helpers/experiment.ts';
import { feed } from '../../helpers/feed.ts';

const texts = 10_000;
const maxSize = 32;
const callMs = 20;
const tokenMs = 0.02; // for each place of a batch: members times the longest of them

/** What a way of batching came to. */
interface Batched {
  readonly calls: number;
  /** Places of all batches that held no token, among all places. */
  readonly padding: number;
  readonly totalMs: number;
  /** The longest wait for a result, from the arrival. */
  readonly longestMs: number;
}

/** Lengths as texts have them: mostly short, few long ones; the same each time. */
function lengths(count: number): readonly number[] {
  let seed = 1;
  const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  const normal = (): number => Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random());
  return Array.from({ length: count }, () => Math.min(2_048, Math.max(4, Math.round(Math.exp(4.6 + 0.8 * normal())))));
}

/** Texts that arrive as fast as `everyMs`, and calls for them, two at a time. */
async function batched(options: Partial<BatchDynamicOptions<number>>, everyMs: number): Promise<Batched> {
  let [calls, places, tokens, doneMs, longestMs] = [0, 0, 0, 0, 0];
  const arrivedMs: number[] = [];
  const fed = feed<number, number>((source) =>
    source.pipe(
      batchDynamic({ maxSize, ...options }),
      mapConcurrent(
        (batch: readonly number[]) =>
          call(async () => {
            const padded = batch.length * Math.max(...batch);
            calls += 1;
            places += padded;
            tokens += batch.reduce((sum, length) => sum + length, 0);
            await sleep(fed.run.clock, callMs + padded * tokenMs);
            return batch;
          }),
        { concurrency: 2 },
      ),
      unbatch(),
    ),
  );
  const { clock } = fed.run;
  let settled = 0;
  const look = (): void => {
    for (; settled < fed.out.length; settled += 1) {
      const offset = Number(fed.out[settled]?.position.offset);
      longestMs = Math.max(longestMs, clock.nowMs() - (arrivedMs[offset] ?? 0));
      doneMs = clock.nowMs();
    }
  };
  for (const length of lengths(texts)) {
    arrivedMs.push(clock.nowMs());
    fed.send(length);
    if (everyMs > 0) await clock.advance(everyMs);
    look();
  }
  while (fed.out.length < texts) {
    await clock.advance(10);
    look();
  }
  return { calls, padding: 1 - tokens / places, totalMs: doneMs, longestMs };
}

/** @param lengthOf what the second way goes by */
export async function run(lengthOf = (value: number): number => value): Promise<ExperimentResult> {
  const measured: Finding[] = [];
  for (const { load, everyMs } of [
    { load: 'all at once', everyMs: 0 },
    { load: 'one each 6 ms', everyMs: 6 },
  ]) {
    const arrival = await batched({}, everyMs);
    const length = await batched({ lengthOf }, everyMs);
    const both = (pick: (one: Batched) => string): string => `${pick(arrival)} by arrival, ${pick(length)} by length`;
    const saved = everyMs === 0; // what does not wait for calls takes as long as it takes to arrive
    measured.push(
      {
        what: `${load}: padding`,
        measured: both(({ padding }) => `${(padding * 100).toFixed(1)} %`),
        passes: 'less by length',
        pass: length.padding < arrival.padding,
      },
      {
        what: `${load}: total time`,
        measured: both(({ totalMs }) => `${(totalMs / 1_000).toFixed(2)} s`),
        passes: saved ? 'less by length' : '',
        pass: !saved || length.totalMs < arrival.totalMs,
      },
      { what: `${load}: calls`, measured: both(({ calls }) => String(calls)), passes: '', pass: true },
      { what: `${load}: longest wait`, measured: both(({ longestMs }) => `${(longestMs / 1_000).toFixed(2)} s`), passes: '', pass: true },
    );
  }
  return { measured, pass: true };
}
