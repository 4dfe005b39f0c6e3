import { tap } from 'rxjs';
import { systemClock } from '../../../src/clock.ts';
import { completeModel } from '../../../src/inference/complete-model.ts';
import { openLlama } from '../../../src/inference/llama/llama.ts';
import { resolveLlamaOptions } from '../../../src/inference/llama/llama-options.ts';
import { resultOf } from '../../helpers/result-of.ts';
import { askedAtOnce } from './asked-at-once.ts';
import { processUse } from './process-use.ts';
import { answerTokens, type Contender, contextTokens, type Task, turnsOf } from './work.ts';

/** `llama()` as a pipeline has it: the model in a process of its own, its pieces come here. */
export async function pool({ modelPath, atOnce, threads }: Task, signal: AbortSignal): Promise<Contender> {
  const options = resolveLlamaOptions({ model: modelPath, sequences: atOnce, threads, contextTokens, embeddings: false });
  const opened = await openLlama(options, { clock: systemClock, signal, log: () => undefined });
  const model = completeModel(opened.value.backend);
  return {
    name: 'this pool',
    ask: (questions) =>
      askedAtOnce(questions, atOnce, async (question) => {
        const startedMs = performance.now();
        let firstTokenMs: number | undefined;
        const pieces = model.chat(turnsOf(question), { maxTokens: answerTokens }).pipe(
          tap(({ text }) => {
            if (text !== '') firstTokenMs ??= performance.now() - startedMs;
          }),
        );
        const { usage } = await resultOf(pieces);
        return { inputTokens: usage?.inputTokens ?? 0, outputTokens: usage?.outputTokens ?? 0, firstTokenMs: firstTokenMs ?? Number.NaN };
      }),
    use: () => processUse(opened.value.pool.pids[0] ?? 0),
    close: () => opened.close(),
  };
}
