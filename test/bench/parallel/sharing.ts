import { firstValueFrom, map } from 'rxjs';
import { permits } from '../../../src/policies/permits.ts';
import { withPermit } from '../../../operators/with-permit.ts';
import { parallel } from '../../../pipelines/parallel/index.ts';
import type { ExperimentResult } from '../../helpers/experiment.ts';
import { FakeGpu, stretch } from './fake-gpu.ts';
import { inMs, mean, numbers, tells } from './measure.ts';

const kinds = ['classify', 'extract', 'summarise'] as const;
const clientsOfEach = 3;
const clients = kinds.length * clientsOfEach;

export interface Load {
  readonly perSecond: number;
  readonly ms: number;
}

export const said = (one: Load): string => `${one.perSecond.toFixed(one.perSecond < 10 ? 1 : 0)} requests/s, ${inMs(one.ms)} each`;

/** Clients that ask again as soon as they have their answer; requests a second, and how long one waits. */
export async function load(forMs: number, ask: (kind: string) => Promise<unknown>): Promise<Load> {
  const startedMs = performance.now();
  const times: number[] = [];
  const client = async (kind: string): Promise<void> => {
    while (performance.now() - startedMs < forMs) {
      const askedMs = performance.now();
      await ask(kind);
      times.push(performance.now() - askedMs);
    }
  };
  await Promise.all(kinds.flatMap((kind) => numbers(clientsOfEach).map(() => client(kind))));
  return { perSecond: (times.length / (performance.now() - startedMs)) * 1_000, ms: mean(times) };
}

/** Three kinds of task on one model: in turns, one call at a time, and through one engine. */
export async function run(scale: number): Promise<ExperimentResult> {
  const ms = 24; // 42 a second, one at a time
  const forMs = Math.max(2_000, 10_000 * scale);
  const gpu = new FakeGpu();
  const turn = permits(1);
  const before = await load(forMs, () => firstValueFrom(gpu.call(ms).pipe(withPermit(turn))));
  const engine = parallel<string, string>({
    ...{ maxWorkers: 2, batchSize: 16, maxQueueDelayMs: 1, shares: { classify: 2, extract: 1, summarise: 1 } },
    runBatch: (inputs) => gpu.call(ms * stretch(inputs.length)).pipe(map(() => inputs)),
  });
  await engine.submit(['warm']).all();
  const after = await load(forMs, (kind) => engine.submit([kind], { share: kind }).promise);
  await engine.close();
  const ideal = { perSecond: (clients / (ms * stretch(clients))) * 1_000, ms: ms * stretch(clients) };
  return {
    pass: true,
    measured: [
      tells(`${String(clients)} clients in turns`, said(before)),
      tells('ideal: all of them beside each other', said(ideal)),
      {
        what: 'the engine',
        measured: `${said(after)}, ${(after.perSecond / before.perSecond).toFixed(1)} x`,
        passes: '>= 6 x',
        pass: after.perSecond >= 6 * before.perSecond,
      },
      { what: 'an answer takes', measured: inMs(after.ms), passes: `< ${inMs(before.ms)}`, pass: after.ms < before.ms },
    ],
  };
}
