import { systemClock } from '../../../src/clock.ts';
import { loadPlan } from '../../../src/load/load-plan.ts';
import { press } from '../../../src/load/press.ts';
import { answerTokens, turnsOf } from '../models/work.ts';
import { ofReport, type Slice } from './contender.ts';

/** Presses a chat endpoint with these questions, each once, as `millrace load --queues N` does. */
export async function pressed(url: string, atOnce: number, questions: readonly string[], signal: AbortSignal): Promise<Slice> {
  const plan = loadPlan({ url, queues: atOnce, tasks: questions.length, maxTokens: answerTokens, model: 'm', body: { temperature: 0 } });
  const prompts = questions.map((question) => ({ messages: turnsOf(question) }));
  const report = await press({ plan, prompts, promptsFrom: 'the questions of the bench', clock: systemClock, signal });
  signal.throwIfAborted();
  if (report.tasks.completed < questions.length)
    throw new Error(
      `${String(report.tasks.failed)} of ${String(questions.length)} failed: ${report.causes.map(({ cause, example }) => `${cause} (${example})`).join('; ')}`,
    );
  return ofReport(report);
}
