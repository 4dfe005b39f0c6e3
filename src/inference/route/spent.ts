import { concatMap, defer, type Observable, type OperatorFunction } from 'rxjs';
import { currentScope, scopeWith } from '../../call.ts';
import { addUsage } from '../internal/collect.ts';
import { withinScope } from '../internal/within-scope.ts';
import type { ChatChunk, Usage } from '../model.ts';

/** What the calls before have used. */
export interface Spent {
  usage: Usage;
  cost: number | undefined;
}

export const together = (a: Spent, b: Partial<Spent>): Spent => ({
  usage: b.usage === undefined ? a.usage : addUsage(a.usage, b.usage),
  cost: b.cost === undefined ? a.cost : (a.cost ?? 0) + b.cost,
});

/** An answer that fails says nothing of what it used; its meter does. */
export const watchingUse = <T>(call: Observable<T>, into: { usage: Usage }): Observable<T> =>
  defer(() => {
    const scope = currentScope();
    const { meter } = scope;
    const watched = {
      observe: (headers: { get(name: string): string | null }) => meter?.observe(headers),
      received: (tokens: number) => meter?.received(tokens),
      sent: (isSent: boolean) => meter?.sent(isSent),
      used: (usage: { readonly inputTokens: number; readonly outputTokens: number; readonly cachedTokens?: number }) => {
        const { inputTokens, outputTokens, cachedTokens = 0 } = usage;
        into.usage = addUsage(into.usage, { inputTokens, outputTokens, cachedTokens, totalTokens: inputTokens + outputTokens });
        meter?.used(usage);
      },
    };
    return withinScope(scopeWith(scope, { meter: watched }), call);
  });

/** As `concatMap`, for values that come on other stacks, as those of a process do: what is subscribed to then is still in the scope of the call. */
export const concatInScope =
  <T, R>(project: (value: T) => Observable<R>): OperatorFunction<T, R> =>
  (source) =>
    defer(() => {
      const scope = currentScope();
      return source.pipe(concatMap((value) => withinScope(scope, project(value))));
    });

export const addedToChunk = (chunk: ChatChunk, { usage, cost }: Spent): ChatChunk =>
  chunk.usage === undefined
    ? chunk
    : {
        ...chunk,
        usage: addUsage(usage, chunk.usage),
        ...(cost === undefined && chunk.cost === undefined ? {} : { cost: (cost ?? 0) + (chunk.cost ?? 0) }),
      };
