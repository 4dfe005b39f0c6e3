import { type CallContext, type ChatOptions, InferenceError, type Model, type PreparedPrompt, type Usage } from 'millrace';
import { map, type Observable, reduce } from 'rxjs';
import type { Asked } from './task.ts';

interface Heard {
  readonly text: string;
  readonly usage: Usage | undefined;
  readonly finish: string | undefined;
}

/**
 * The whole text of an answer. One that is cut off counts as it is with `mayBeCut`: half a summary is one.
 * Fails with `answer_truncated`, `answer_refused` and `answer_empty`.
 */
export function chatText(
  model: Model,
  prompt: PreparedPrompt,
  options: ChatOptions & { readonly mayBeCut: boolean },
  ctx: CallContext,
): Observable<Asked> {
  const { mayBeCut, ...chat } = options;
  return model.chat(prompt, chat, ctx).pipe(
    reduce(
      (heard: Heard, { text, usage, finishReason }) => ({
        text: heard.text + text,
        usage: usage ?? heard.usage,
        finish: finishReason ?? heard.finish,
      }),
      { text: '', usage: undefined, finish: undefined },
    ),
    map(({ text, usage, finish }) => {
      const value = text.trim();
      if (finish === 'refused') throw new InferenceError('answer_refused', `${model.name} declined to answer`);
      if (finish === 'length' && !mayBeCut)
        throw new InferenceError('answer_truncated', `the answer took more than ${String(chat.maxTokens)} tokens: lower chunkTokens`);
      if (value === '') throw new InferenceError('answer_empty', `${model.name} gave an answer without text`);
      return { value, inputTokens: usage?.inputTokens ?? 0, outputTokens: usage?.outputTokens ?? 0 };
    }),
  );
}
