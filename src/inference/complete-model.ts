import { meteredBackend } from './internal/metered-backend.ts';
import { modelOf } from './internal/model-of.ts';
import type { Model, ModelBackend } from './model.ts';

/**
 * Makes a {@link Model} of what a back end can do: prompts as turns, options checked and filled in, typed answers with
 * repairs, labels, vectors of length 1, ranks, estimates, times and costs. Use it to write a back end of your own.
 *
 * In: a {@link ModelBackend}; it gets at least one turn, never a blank prompt, and options with `maxTokens` and
 * `temperature` set. Out: a model that adds no calls, but for the repairs that `answer` is allowed.
 * Holds one answer per running `answer` or `classify`, of `maxTokens` at most, and nothing between calls.
 * Ends: completes after its result; fails with what the back end fails with, or InferenceErrors of its own
 * (`model_rejected` for a blank prompt, `answer_*`, `model_failed` for a back end that breaks its protocol); unsubscribing, or
 * `ctx.signal`, unsubscribes from the back end.
 * @throws OptionError at the call for a prompt of the wrong shape and options out of range.
 */
export const completeModel = (given: ModelBackend): Model => modelOf(meteredBackend(given));
