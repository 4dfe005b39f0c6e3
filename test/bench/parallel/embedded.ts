import { forkJoin, lastValueFrom } from 'rxjs';
import { parallel } from '../../../pipelines/parallel/index.ts';
import { systemClock } from '../../../src/clock.ts';
import { llama } from '../../../src/inference/llama/llama.ts';
import type { Model } from '../../../src/inference/model.ts';
import type { ExperimentResult, Finding } from '../../helpers/experiment.ts';
import { withPermit } from '../../../operators/with-permit.ts';
import { permits } from '../../../src/policies/permits.ts';
import { inMs, numbers, tells, timed } from './measure.ts';
import { load, said } from './sharing.ts';

const sequences = 4;
const ask = { maxTokens: 24 };
const promptOf = (n: number): string => `Name three things that one can do in the year ${String(1900 + n)}.`;

/** The rows again on the embedded model: what a CPU gives, which has far less to gain by batches than a GPU. Nothing is held against a goal but that the engine loses nothing. */
export async function run(count: number): Promise<ExperimentResult> {
  const { value: model, close } = await llama({ model: 'smollm2', sequences }).open({
    clock: systemClock,
    signal: new AbortController().signal,
    log: () => undefined,
  });
  try {
    await lastValueFrom(model.chat('Hello.', ask));
    return { pass: true, measured: [...(await tasks(model, count)), ...(await sharing(model, count * 150))] };
  } finally {
    await close();
  }
}

/** The same prompts one after the other, four at a time, and through the engine. */
async function tasks(model: Model, count: number): Promise<readonly Finding[]> {
  const prompts = numbers(count).map(promptOf);
  const serial = await timed(async () => {
    for (const prompt of prompts) await lastValueFrom(model.chat(prompt, ask));
  });
  const fours = await timed(async () => {
    for (let n = 0; n < count; n += sequences)
      await lastValueFrom(forkJoin(prompts.slice(n, n + sequences).map((prompt) => model.chat(prompt, ask))));
  });
  const engine = parallel({ model, ask, maxWorkers: sequences });
  const done = await timed(() => engine.submit(prompts).all());
  await engine.close();
  const failed = done.value.filter(({ status }) => status !== 'success').length;
  const each = (ms: number): string => `${inMs(ms)}, ${inMs(ms / count)} a task, ${(serial.ms / ms).toFixed(2)} x`;
  return [
    tells(`${String(count)} tasks one after the other`, each(serial.ms)),
    tells(`${String(sequences)} at a time, waiting for the longest`, each(fours.ms)),
    tells(
      'ideal',
      `${String(sequences)} x, if a step for ${String(sequences)} took what one for one does: not on a CPU that computes at its limit`,
    ),
    {
      what: `the engine, ${String(sequences)} at once`,
      measured: each(done.ms),
      passes: '>= 0.9 x of one after the other',
      pass: done.ms <= serial.ms / 0.9,
    },
    { what: 'failed', measured: String(failed), passes: '0', pass: failed === 0 },
  ];
}

/** Three kinds of task, three clients each. */
async function sharing(model: Model, forMs: number): Promise<readonly Finding[]> {
  const turn = permits(1);
  let nth = 0;
  const before = await load(forMs, () => lastValueFrom(model.chat(promptOf((nth += 1) % 100), ask).pipe(withPermit(turn))));
  const engine = parallel({ model, ask, maxWorkers: sequences, shares: { classify: 2, extract: 1, summarise: 1 } });
  await engine.submit(['Hello.']).all();
  const after = await load(forMs, (kind) => engine.submit([promptOf((nth += 1) % 100)], { share: kind }).promise);
  await engine.close();
  return [
    tells('9 clients in turns', said(before)),
    {
      what: '9 clients through the engine',
      measured: `${said(after)}, ${(after.perSecond / before.perSecond).toFixed(2)} x`,
      passes: '>= 0.9 x',
      pass: after.perSecond >= 0.9 * before.perSecond,
    },
  ];
}
