import { bufferCount, map, type OperatorFunction, Observable } from 'rxjs';
import { batchDynamic, batchWithin, slidingWindow } from '../../../operators/index.ts';
import { Envelope, openEnvelope, take } from '../../../src/record/envelope.ts';
import { Settlement } from '../../../src/record/lineage.ts';
import { testRun } from '../../../src/testing.ts';
import type { ExperimentContext, ExperimentResult, Finding } from '../../helpers/experiment.ts';

type Batching = OperatorFunction<Envelope<number>, Envelope<readonly number[]>>;

const size = 100;

/** The same work with RxJS's own: batches that know their records. */
const byRxjs =
  (step?: number): Batching =>
  (source) =>
    source.pipe(
      bufferCount(size, step),
      map((envelopes) =>
        Envelope.merge(
          envelopes,
          envelopes.map(({ value }) => value),
        ),
      ),
    );

const ways: Readonly<Record<string, Batching>> = {
  'bufferCount of RxJS': byRxjs(),
  batchWithin: batchWithin({ maxSize: size }),
  batchDynamic: batchDynamic({ maxSize: size }),
  'batchDynamic by length': batchDynamic({ maxSize: size, lengthOf: (value) => value % 1_000 }),
  'slidingWindow, step 100': slidingWindow({ size, step: size }),
  'slidingWindow, step 50': slidingWindow({ size, step: size / 2 }),
};

/** Sends so many values, and settles what comes. The result: microseconds a value, and how many records were left open. */
function through(batching: Batching, values: number): { readonly usEach: number; readonly left: number } {
  const { run } = testRun();
  let settled = 0;
  const observer = { handed: () => undefined, decided: () => void (settled += 1) };
  const source = new Observable<Envelope<number>>((out) => {
    for (let value = 0; value < values; value += 1) {
      const position = { topic: 'bench', partition: 0, offset: BigInt(value), epoch: 1 };
      const settlement = new Settlement(position, 600_000, run, observer);
      out.next(openEnvelope({ value, key: null, rawKey: null, headers: [], timestampMs: 0, position }, settlement));
    }
    out.complete();
  });
  const startedMs = performance.now();
  source.pipe(batching).subscribe({
    next: (batch) => {
      const { part } = take(batch);
      part.handed();
      part.settle('done', { topic: 'out', partition: 0, offset: 0n });
    },
    error: (error: unknown) => {
      throw error;
    },
  });
  return { usEach: ((performance.now() - startedMs) * 1_000) / values, left: values - settled };
}

export function run({ short, say }: Pick<ExperimentContext, 'short' | 'say'>): Promise<ExperimentResult> {
  const values = short ? 100_000 : 1_000_000;
  const rounds = short ? 1 : 3;
  const best = new Map<string, { whole: number; tenth: number; left: number }>();
  for (const batching of Object.values(ways)) through(batching, values / 10);
  for (let round = 0; round < rounds; round += 1) {
    for (const [way, batching] of Object.entries(ways)) {
      const { whole, tenth } = best.get(way) ?? { whole: Infinity, tenth: Infinity };
      const small = through(batching, values / 10);
      const large = through(batching, values);
      best.set(way, { whole: Math.min(whole, large.usEach), tenth: Math.min(tenth, small.usEach), left: large.left });
      say(`${way}: ${large.usEach.toFixed(2)} µs a value`);
    }
  }
  const reference = best.get('bufferCount of RxJS')?.whole ?? 0;
  const measured = [...best].flatMap(([way, { whole, tenth, left }]): Finding[] => {
    const open = way === 'slidingWindow, step 50' ? size / 2 : 0; // the window to come
    const overlaps = open > 0;
    const times = whole / reference;
    return [
      {
        what: `${way}: a value, of ${values.toLocaleString('en')}`,
        measured: `${whole.toFixed(2)} µs, ${times.toFixed(2)} x bufferCount`,
        passes: overlaps ? '' : '<= 2 x',
        pass: short || overlaps || times <= 2,
      },
      {
        what: `${way}: a value, of a tenth as many`,
        measured: `${tenth.toFixed(2)} µs`,
        passes: 'linear: the whole is at most twice that',
        pass: short || whole <= 2 * tenth,
      },
      { what: `${way}: records left open`, measured: String(left), passes: String(open), pass: left === open },
    ];
  });
  return Promise.resolve({ measured, pass: true });
}
