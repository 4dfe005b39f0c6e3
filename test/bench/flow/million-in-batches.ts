import { bufferCount, map, type OperatorFunction } from 'rxjs';
import { batchDynamic, batchWithin, slidingWindow } from '../../../operators/index.ts';
import { Envelope } from '../../../src/record/envelope.ts';
import { through, type Way } from './million.ts';

type Batching = OperatorFunction<Envelope<number>, Envelope<readonly number[]>>;

const size = 100;

/** The same work with RxJS's own: batches that know their records. */
const byRxjs: Batching = (source) =>
  source.pipe(
    bufferCount(size),
    map((envelopes) =>
      Envelope.merge(
        envelopes,
        envelopes.map(({ value }) => value),
      ),
    ),
  );

const ours = (batching: Batching): Way => ({ work: (values) => through(batching, values), against: "RxJS's bufferCount" });

export const ways: Readonly<Record<string, Way>> = {
  "RxJS's bufferCount": { work: (values) => through(byRxjs, values) },
  batchWithin: ours(batchWithin({ maxSize: size })),
  batchDynamic: ours(batchDynamic({ maxSize: size })),
  'batchDynamic by length': ours(batchDynamic({ maxSize: size, lengthOf: (value) => value % 1_000 })),
  'slidingWindow, step 100': ours(slidingWindow({ size, step: size })),
  // each record is in two windows, and those of the window to come stay open
  'slidingWindow, step 50': { work: (values) => through(slidingWindow({ size, step: size / 2 }), values), open: size / 2 },
};
