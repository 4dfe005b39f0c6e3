import { firstValueFrom } from 'rxjs';
import { parallel } from '../../../pipelines/parallel/index.ts';
import type { ExperimentResult } from '../../helpers/experiment.ts';
import { FakeGpu, stretch } from './fake-gpu.ts';
import { inMs, numbers, tells, timed } from './measure.ts';

const count = 100;
const atOnce = 32;

/** 100 tasks one after the other, and through the engine. */
export async function run(scale: number): Promise<ExperimentResult> {
  const ms = 425 * scale;
  const plain = new FakeGpu();
  const serial = await timed(async () => {
    for (let n = 0; n < count; n += 1) await firstValueFrom(plain.call(ms));
  });
  const gpu = new FakeGpu();
  const engine = parallel({ run: () => gpu.call(ms), maxWorkers: 4, batchSize: atOnce / 4 });
  const done = await timed(() => engine.submit(numbers(count)).promise);
  await engine.close();
  const ratio = serial.ms / done.ms;
  const idealMs = (count / atOnce) * ms * stretch(atOnce);
  return {
    pass: true,
    measured: [
      tells('one after the other', `${inMs(serial.ms)}, ${inMs(serial.ms / count)} a task`),
      tells(
        `ideal: ${String(atOnce)} at once without a gap`,
        `${inMs(idealMs)}, ${inMs(idealMs / count)} a task, ${(serial.ms / idealMs).toFixed(1)} x`,
      ),
      {
        what: `the engine, ${String(atOnce)} at once, its start included`,
        measured: `${inMs(done.ms)}, ${inMs(done.ms / count)} a task, ${ratio.toFixed(1)} x`,
        passes: '>= 8 x',
        pass: ratio >= 8,
      },
    ],
  };
}
