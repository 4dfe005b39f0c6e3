import { type MonoTypeOperatorFunction, defer, finalize, tap } from 'rxjs';
import { type CallScope, currentScope } from '../../call.ts';
import type { ModelUse } from '../../record/spending.ts';
import type { ChatChunk, ModelBackend } from '../model.ts';
import { costOf } from './cost-of.ts';
import { estimateTokens } from './estimate-tokens.ts';

/**
 * Tells the budgets around a call what comes of its answer, piece by piece, so that a call which is cut off has spent what it got, and the
 * pipeline's counters what it has used when it is over, however it ended: as the back end says, else the prompt by estimate and what was
 * received. Of a call that brought nothing nobody knows, and nothing is counted, unless another attempt at it has answered meanwhile (a hedge): it was asked, so its prompt is
 * counted. A piece is a token at least; where servers put several
 * into one, their number is an estimate.
 *
 * @param promptTokens about how many the prompt has; asked only where the back end does not tell
 */
export function metered(backend: Pick<ModelBackend, 'name' | 'prices'>, promptTokens: () => number): MonoTypeOperatorFunction<ChatChunk> {
  return (source) =>
    defer(() => {
      const scope = currentScope();
      const { meter, used } = scope;
      if (meter === undefined && used === undefined) return source;
      meter?.received(0);
      const count = counter(backend, promptTokens, used);
      return source.pipe(
        tap(({ text, usage, model, cost }) => {
          if (usage !== undefined) {
            meter?.used(usage);
            count.told({ ...usage, model: model ?? backend.name, cost });
            return;
          }
          const tokens = Math.max(1, estimateTokens(text));
          meter?.received(tokens);
          count.received(tokens);
        }),
        finalize(() => {
          count.end(scope.isBeaten());
        }),
      );
    });
}

/** What one call of a model has used, told once. */
function counter({ name, prices }: Pick<ModelBackend, 'name' | 'prices'>, promptTokens: () => number, used: CallScope['used']) {
  let received = 0;
  let isTold = false;
  return {
    told: (usage: ModelUse): void => {
      received = 0;
      isTold = true;
      used?.(usage);
    },
    received: (tokens: number): void => {
      received += tokens;
    },
    end: (isPaid: boolean): void => {
      if (received === 0 && (isTold || !isPaid)) return;
      const usage = { inputTokens: promptTokens(), cachedTokens: 0, outputTokens: received };
      received = 0;
      used?.({ ...usage, model: name, cost: prices && costOf(usage, prices) });
    },
  };
}
