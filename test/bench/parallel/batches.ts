import { firstValueFrom, map } from 'rxjs';
import { parallel } from '../../../pipelines/parallel/index.ts';
import type { ExperimentResult } from '../../helpers/experiment.ts';
import { FakeGpu, places, stretch } from './fake-gpu.ts';
import { inMs, numbers, tells, timed } from './measure.ts';

/** Sentences by calls of one, of four, and as they come together: the same sentences, and a sentence is the same work in all. */
export async function run(scale: number): Promise<ExperimentResult> {
  const ms = 850 * scale;
  const [few, many] = [24, 512];
  const gpu = new FakeGpu();
  const of = async (size: number): Promise<number> => {
    const { ms: took } = await timed(async () => {
      for (let left = few; left > 0; left -= size) await firstValueFrom(gpu.call(ms * stretch(size)));
    });
    return (few / took) * 1_000;
  };
  const none = await of(1);
  const four = await of(4);
  const engine = parallel<number, number>({
    ...{ maxWorkers: 1, batchSize: places },
    runBatch: (inputs) => gpu.call(ms * stretch(inputs.length)).pipe(map(() => inputs)),
  });
  const done = await timed(() => engine.submit(numbers(many)).promise);
  await engine.close();
  const dynamic = (many / done.ms) * 1_000;
  const ideal = (places / (ms * stretch(places))) * 1_000;
  const perSecond = (value: number): string => `${value.toFixed(2)} sentences/s, ${inMs(1_000 / value)} each`;
  return {
    pass: true,
    measured: [
      tells('no batches', perSecond(none)),
      tells('static batches of 4', `${perSecond(four)}, ${(four / none).toFixed(1)} x: all that 4 together can give`),
      tells(`ideal: full batches of ${String(places)} without a gap`, `${perSecond(ideal)}, ${(ideal / none).toFixed(1)} x`),
      {
        what: `the engine, dynamic up to ${String(places)}: the rest comes from larger batches`,
        measured: `${perSecond(dynamic)}, ${(dynamic / none).toFixed(1)} x`,
        passes: '>= 25 x',
        pass: dynamic >= 25 * none,
      },
    ],
  };
}
