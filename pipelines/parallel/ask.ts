import { map, reduce } from 'rxjs';
import { type ChatOptions, type FinishReason, InferenceError, type Prompt } from 'millrace';
import type { Run } from './parallel-options.ts';

interface Heard {
  readonly text: string;
  readonly finish: FinishReason | undefined;
}

/**
 * Prompts in, answers out. One that ends at its length is an answer, as far as it goes.
 * Fails with `answer_refused` where the model declined or its provider filtered, and with `answer_empty`.
 */
export const ask =
  (options: ChatOptions): Run<Prompt, string> =>
  (prompt, { model, ctx }) =>
    model.chat(prompt, options, ctx).pipe(
      reduce((heard: Heard, { text, finishReason }) => ({ text: heard.text + text, finish: finishReason ?? heard.finish }), {
        text: '',
        finish: undefined,
      }),
      map(({ text, finish }) => {
        if (finish === 'refused') throw new InferenceError('answer_refused', `${model.name} declined to answer`);
        const answer = text.trim();
        if (answer === '') throw new InferenceError('answer_empty', `${model.name} gave an answer without text`);
        return answer;
      }),
    );
