import { map, of } from 'rxjs';
import { mergeEmbeddings } from '../merge/merge-embeddings.ts';
import type { Task } from './task.ts';

/** A vector of the whole document: the mean of its chunks', weighted by their tokens, of length 1. */
export const embedTask = (): Task => ({
  label: 'embed',
  kind: 'embed',
  mayOverlap: true,
  contextShare: 1,
  question: {
    step: 'embed',
    maxTokens: 0,
    mayShorten: true,
    ofOneModel: true,
    ask: (model, text, _settings, ctx) =>
      model.embed([text], ctx).pipe(
        map(([one]) => ({
          value: [...(one?.vector ?? [])],
          inputTokens: one?.usage.inputTokens ?? 0,
          outputTokens: 0,
        })),
      ),
  },
  merge: (parts) =>
    of(mergeEmbeddings(parts.map(({ value, tokens }) => ({ vector: value as readonly number[], tokens: Math.max(1, tokens) })))),
});
