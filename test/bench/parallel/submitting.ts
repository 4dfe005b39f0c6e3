import { sleep, systemClock } from '../../../src/clock.ts';
import { parallel } from '../../../pipelines/parallel/index.ts';
import type { ExperimentResult } from '../../helpers/experiment.ts';
import { FakeGpu } from './fake-gpu.ts';
import { inMs, mean, numbers, tells } from './measure.ts';

const inFlight = 4_000;

/** What `submit` takes with 4,000 tasks in flight. */
export async function run(): Promise<ExperimentResult> {
  const gpu = new FakeGpu();
  const engine = parallel<number, number>({ run: () => gpu.call(60_000), maxWorkers: inFlight, schedule: 'fifo', timeoutMs: 600_000 });
  engine.submit(numbers(inFlight));
  for (let waited = 0; waited < 30_000 && engine.stats().inFlight < inFlight; waited += 100) await sleep(systemClock, 100);
  const reached = engine.stats().inFlight;
  const times: number[] = [];
  for (let n = 0; n < 50; n += 1) {
    const tasks = numbers(100);
    const startedMs = performance.now();
    engine.submit(tasks);
    times.push(performance.now() - startedMs);
    await sleep(systemClock, 10);
  }
  await engine.close({ deadlineMs: 0 });
  const most = Math.max(...times);
  return {
    pass: reached >= inFlight,
    measured: [
      tells('in flight', String(reached)),
      tells('ideal: a call of a function', '0.0 ms'),
      {
        what: 'submit of 100 tasks, the longest of 50',
        measured: `${inMs(most)}, ${inMs(mean(times))} on average`,
        passes: '<= 15 ms',
        pass: most <= 15,
      },
    ],
  };
}
