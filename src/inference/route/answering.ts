import { defer } from 'rxjs';
import type { PolicyState, WatchedPolicy } from '../../policies/policy-state.ts';
import { type Resource, sharedResource } from '../../resource.ts';
import type { Model } from '../model.ts';
import { answeringCalls } from './answering-calls.ts';
import { type AnsweringOptions, resolveAnswering } from './answering-options.ts';
import type { AnsweringCounts, AnsweringRules } from './mended-call.ts';
import { openMembers } from './open-members.ts';
import { closing, PoolDoor } from './pool-door.ts';
import { ofSome } from './pooled.ts';
import { resolveMembers } from './route-options.ts';

export type { AnsweringOptions, AskLonger, AskOther, Skip, Summarise, Truncate } from './answering-options.ts';

/** A model that goes on where something is the matter with an answer, and tells how often that was. */
export interface AnsweringModel extends Model, WatchedPolicy {}

/**
 * Says what to do where a prompt does not fit, or an answer is cut off, refused or empty: cut or summarise the data, ask for a longer answer, ask another model, or give something
 * instead. Use it where records must come through whatever is in them, and outputs may say that less was read of them. Several ways are tried in order, each once.
 *
 * In: calls, as any model takes them; data is cut and summarised in prompts of `definePrompt` alone, since nobody knows what of another is data. Out: the answer; what was done
 * to get it stands in its `degraded`, in `ctx.degraded`, and in the output's header `millrace-degraded`: `truncated-head`, `truncated-tail`, `summarised`, `skipped`. `usage` and `cost` are of all calls it took.
 * To policies around it this is one call; budgets, counters and the record's history are told of each. Texts pass piece by piece, but for those that `whenCut`, `whenRefused` or
 * `whenEmpty` may make again: they are held until they are whole. Vectors, ranks and tensors are the model's own.
 * Holds the texts of the prompt, and one answer per running call, of `maxTokens` at most. Most calls for one: one for each way, 6 for a cut, `mostCalls` for summaries.
 *
 * Ends: fails with the last trouble where no way is left (a text is passed on as it is, and its finish reason says what is the matter), and at once for any other error: retries go around it.
 * Unsubscribing stops what runs. Opening opens all models; closing closes them.
 * @throws OptionError for options out of range, at the call.
 * @see `fallbackTo` for services that fail, `cascade` for answers that may be wrong, `route` for models that are full.
 */
export function answering(options: AnsweringOptions): Resource<AnsweringModel> {
  const { model, others, ways, contextTokens, name } = resolveAnswering(options);
  const members = resolveMembers('answering', [model, ...others]);
  return sharedResource(name, async (context) => {
    const opened = new Map<Resource<Model>, Model>();
    const joined = (index: number, one: Model): void => {
      const resource = members[index]?.resource;
      if (resource) opened.set(resource, one);
    };
    const close = await openMembers(members, context, { pool: name, joined });
    const own = opened.get(model) as Model;
    const counts: AnsweringCounts = { calls: 0, givenUp: 0, prompt_too_long: 0, answer_truncated: 0, answer_refused: 0, answer_empty: 0 };
    const rules: AnsweringRules = { model: own, ways, contextTokens, modelOf: ({ ask }) => opened.get(ask) as Model, counts };
    const all = [...opened.values()];
    const door = new PoolDoor(own.name);
    const value: AnsweringModel = {
      ...own,
      ...door.calls({ ...own, ...answeringCalls(rules) }),
      warmUp: () => ofSome(all, (one) => one.warmUp()),
      dispose: () =>
        defer(() => {
          door.end();
          return ofSome(all, (one) => one.dispose());
        }),
      describe: (nowMs) => described(name, own, counts, nowMs),
    };
    return { value, close: closing(door, close) };
  });
}

/** As the model tells of itself, where it does: a pool keeps its metrics. */
function described(name: string, model: Model, counts: AnsweringCounts, nowMs: number): PolicyState {
  const own = 'describe' in model ? (model as AnsweringModel).describe(nowMs) : undefined;
  const numbers = {
    calls_total: counts.calls,
    ...own?.numbers,
    too_long_total: counts.prompt_too_long,
    cut_off_total: counts.answer_truncated,
    refused_total: counts.answer_refused,
    empty_total: counts.answer_empty,
    given_up_total: counts.givenUp,
  };
  return { ...{ kind: 'answering', used: 0, limit: Infinity, waiting: 0 }, ...own, name, numbers };
}
