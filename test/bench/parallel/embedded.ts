import { lastValueFrom } from 'rxjs';
import { parallel } from '../../../pipelines/parallel/index.ts';
import { systemClock } from '../../../src/clock.ts';
import { llama } from '../../../src/inference/llama/llama.ts';
import type { ExperimentResult } from '../../helpers/experiment.ts';
import { inMs, numbers, tells, timed } from './measure.ts';

const sequences = 4;
const ask = { maxTokens: 24 };

/** The same prompts to the embedded model, one after the other and through the engine, four at once: what a CPU gives, which has little to gain by batches. */
export async function run(count: number): Promise<ExperimentResult> {
  const prompts = numbers(count).map((i) => `Name three things that one can do in the year ${String(1900 + i)}.`);
  const { value: model, close } = await llama({ model: 'smollm2', sequences }).open({
    clock: systemClock,
    signal: new AbortController().signal,
    log: () => undefined,
  });
  try {
    await lastValueFrom(model.chat('Hello.', ask));
    const serial = await timed(async () => {
      for (const prompt of prompts) await lastValueFrom(model.chat(prompt, ask));
    });
    const engine = parallel({ model, ask, maxWorkers: sequences });
    const done = await timed(() => engine.submit(prompts).all());
    await engine.close();
    const failed = done.value.filter(({ status }) => status !== 'success').length;
    return {
      pass: failed === 0,
      measured: [
        tells('one after the other', `${inMs(serial.ms)}, ${inMs(serial.ms / count)} a task`),
        tells(
          `the engine, ${String(sequences)} at once`,
          `${inMs(done.ms)}, ${inMs(done.ms / count)} a task, ${(serial.ms / done.ms).toFixed(2)} x`,
        ),
        { what: 'failed', measured: String(failed), passes: '0', pass: failed === 0 },
      ],
    };
  } finally {
    await close();
  }
}
