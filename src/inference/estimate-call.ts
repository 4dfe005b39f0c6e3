import { map, type Observable } from 'rxjs';
import { resolveChatOptions } from './internal/chat-options.ts';
import type { ChatOptions, Model, Prompt } from './model.ts';

/**
 * Emits the most tokens a call can use, prompt and answer apart: what `withinBudget` reserves. Input limits, prices, learned lengths
 * and exact settling of calls that are cut off need them apart; `model.estimate` gives their sum. Asks the model's tokenizer, once a
 * subscription; an answer with `repairs` is as many calls more.
 * @throws OptionError at the call for a prompt of the wrong shape and options out of range.
 */
export function estimateCall(
  model: Pick<Model, 'countTokens'>,
  prompt: Prompt,
  options?: ChatOptions,
): Observable<{ readonly inputTokens: number; readonly outputTokens: number }> {
  const { maxTokens } = resolveChatOptions(options, 'answer');
  return model.countTokens(prompt).pipe(map((inputTokens) => ({ inputTokens, outputTokens: maxTokens })));
}
