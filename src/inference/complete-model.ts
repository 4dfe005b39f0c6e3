import { defer, EMPTY, map, type Observable, of, throwError } from 'rxjs';
import type { CallContext } from '../call.ts';
import { InferenceError, OptionError } from '../errors.ts';
import { answerWith } from './internal/answer.ts';
import { resolveChatOptions } from './internal/chat-options.ts';
import { classifyWith } from './internal/classify-labels.ts';
import { countUsage } from './internal/count-usage.ts';
import { endsProperly, untilAborted } from './internal/collect.ts';
import { metered } from './internal/metered.ts';
import { isBlank, turnsOf } from './internal/prompt.ts';
import { unitVectors } from './internal/unit-vectors.ts';
import type { ChatTurn, Model, ModelBackend, Prompt } from './model.ts';

/**
 * Makes a {@link Model} of what a back end can do: prompts as turns, options checked and filled in, typed answers with
 * repairs, labels, vectors of length 1, estimates. Use it to write a back end of your own.
 *
 * In: a {@link ModelBackend}; it gets at least one turn, never a blank prompt, and options with `maxTokens` and
 * `temperature` set. Out: a model that adds no calls, but for the repairs that `answer` is allowed.
 * Holds one answer per running `answer` or `classify`, of `maxTokens` at most, and nothing between calls.
 * Ends: completes after its result; fails with what the back end fails with, or InferenceErrors of its own
 * (`model_rejected` for a blank prompt, `answer_*`, `model_failed` for a back end that breaks its protocol); unsubscribing, or
 * `ctx.signal`, unsubscribes from the back end.
 * @throws OptionError at the call for a prompt of the wrong shape and options out of range.
 */
export function completeModel(given: ModelBackend): Model {
  const backend = meteredBackend(given);
  const { name, capabilities } = backend;
  const run = <T>(turns: readonly ChatTurn[], ctx: CallContext | undefined, work: () => Observable<T>): Observable<T> =>
    isBlank(turns)
      ? throwError(() => new InferenceError('model_rejected', 'expected a prompt with some text, got a blank one'))
      : defer(work).pipe(untilAborted(ctx?.signal), countUsage());
  const countTokens = (prompt: Prompt): Observable<number> => {
    const turns = turnsOf(prompt);
    return defer(() => backend.countTokens(turns));
  };
  return {
    name,
    capabilities,
    chat: (prompt, options, ctx) => {
      const turns = turnsOf(prompt);
      const resolved = resolveChatOptions(options);
      return run(turns, ctx, () => backend.chat(turns, resolved, ctx).pipe(endsProperly()));
    },
    answer: (prompt, options, ctx) => {
      const turns = turnsOf(prompt);
      const answer = answerWith(backend, turns, options, ctx);
      return run(turns, ctx, () => answer);
    },
    classify: (prompt, options, ctx) => {
      const turns = turnsOf(prompt);
      const classification = classifyWith(backend, turns, options, ctx);
      return run(turns, ctx, () => classification);
    },
    embed: (texts, ctx) => {
      requireTexts(texts);
      const asked = [...texts];
      return defer(() => {
        if (backend.embed === undefined || !capabilities.embeddings) {
          return throwError(
            () =>
              new InferenceError(
                'capability_missing',
                `model ${name} makes no embeddings; use a model that does, as a resource of its own`,
              ),
          );
        }
        return asked.length === 0 ? of([]) : backend.embed(asked, ctx).pipe(map((embeddings) => unitVectors(embeddings, asked.length)));
      }).pipe(untilAborted(ctx?.signal), countUsage());
    },
    countTokens,
    ...(backend.load && { load: () => defer(() => backend.load?.() ?? EMPTY) }),
    estimate: (prompt, options) => {
      const { maxTokens } = resolveChatOptions(options);
      return countTokens(prompt).pipe(map((tokens) => tokens + maxTokens));
    },
  };
}

const meteredBackend = (given: ModelBackend): ModelBackend => ({
  name: given.name,
  capabilities: given.capabilities,
  chat: (...asked) => given.chat(...asked).pipe(metered()),
  countTokens: (...asked) => given.countTokens(...asked),
  ...(given.embed && { embed: (...asked) => given.embed?.(...asked) ?? EMPTY }),
  ...(given.labelLogProbabilities && { labelLogProbabilities: (...asked) => given.labelLogProbabilities?.(...asked) ?? EMPTY }),
});

function requireTexts(texts: unknown): asserts texts is readonly string[] {
  if (Array.isArray(texts) && texts.every((text) => typeof text === 'string')) return;
  throw new OptionError('texts must be a list of strings');
}
