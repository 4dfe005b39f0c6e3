import { tap } from 'rxjs';
import type { Model } from '../../../src/inference/model.ts';
import { resultOf } from '../../helpers/result-of.ts';
import { askedAtOnce } from './asked-at-once.ts';
import { answerTokens, type Round, turnsOf } from './work.ts';

/** Asks a model as a pipeline does, `atOnce` at a time. */
export const askModel = (model: Model, atOnce: number, questions: readonly string[]): Promise<Round> =>
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
  });
