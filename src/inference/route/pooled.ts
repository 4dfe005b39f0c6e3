import { catchError, defaultIfEmpty, defer, EMPTY, forkJoin, map, merge, type Observable, of, take } from 'rxjs';
import type { Model, ModelCapabilities, ModelState, SamplingOption } from '../model.ts';

/**
 * What several models can do together. What a call asks for (embeddings, plain text, ranks, tensors, sampling options) one of them has to know, since the call
 * goes to those; what holds of every answer (constrained by a schema, labels by log-probability, exact counts) all of them have to keep. The context is the
 * largest; undefined where one does not tell its own.
 */
export function pooledCapabilities(models: readonly Model[]): ModelCapabilities {
  const all = models.map(({ capabilities }) => capabilities);
  const contexts = all.map(({ contextTokens }) => contextTokens);
  return {
    contextTokens: contexts.length > 0 && contexts.every((one) => one !== undefined) ? Math.max(...contexts) : undefined,
    jsonSchema: all.every((one) => one.jsonSchema),
    logProbabilities: all.every((one) => one.logProbabilities),
    exactTokens: all.every((one) => one.exactTokens),
    embeddings: all.some((one) => one.embeddings),
    completion: all.some((one) => one.completion),
    reranking: all.some((one) => one.reranking),
    tensors: all.some((one) => one.tensors),
    tools: all.some((one) => one.tools === true),
    sampling: [...new Set<SamplingOption>(all.flatMap(({ sampling }) => sampling))],
  };
}

/** The states of all that tell theirs, added up; of the room for tokens the mean share. */
export function pooledState(models: readonly Model[]): Observable<ModelState> {
  const each = (model: Model): Observable<ModelState | undefined> =>
    defer(() => model.state()).pipe(
      take(1),
      catchError(() => EMPTY),
      defaultIfEmpty(undefined),
    );
  if (models.length === 0) return of(added([]));
  return forkJoin(models.map(each)).pipe(map((states) => added(states.filter((one) => one !== undefined))));
}

function added(states: readonly ModelState[]): ModelState {
  const told = (of: (state: ModelState) => number | undefined): readonly number[] => states.map(of).filter((one) => one !== undefined);
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);
  const slots = told((one) => one.slots);
  const kvUse = told((one) => one.kvUse);
  const sums = (['memoryBytes', 'gpuMemoryBytes', 'restarts'] as const).flatMap((name) => {
    const numbers = told((one) => one[name]);
    return numbers.length === 0 ? [] : [[name, sum(numbers)] as const];
  });
  return {
    running: sum(told((one) => one.running)),
    waiting: sum(told((one) => one.waiting)),
    slots: slots.length > 0 && slots.length === states.length ? sum(slots) : undefined,
    ...(kvUse.length === 0 ? {} : { kvUse: sum(kvUse) / kvUse.length }),
    ...Object.fromEntries(sums),
  };
}

/** The same of all models, at once; what fails with one is left to the others, unless it fails with all. */
export function ofSome(models: readonly Model[], work: (model: Model) => Observable<never>): Observable<never> {
  return defer(() => {
    let failed = 0;
    const each = (model: Model): Observable<never> =>
      work(model).pipe(
        catchError((error: unknown) => {
          failed += 1;
          if (failed === models.length) throw error;
          return EMPTY;
        }),
      );
    return merge(...models.map(each));
  });
}
