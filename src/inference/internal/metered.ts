import { type MonoTypeOperatorFunction, defer, tap } from 'rxjs';
import { currentScope } from '../../call.ts';
import type { ChatChunk } from '../model.ts';
import { estimateTokens } from './estimate-tokens.ts';

/**
 * Tells the budgets around a call what comes of its answer, piece by piece, so that a call which is cut off has spent what it got. A
 * piece is a token at least; where servers put several into one, their number is an estimate.
 */
export function metered(): MonoTypeOperatorFunction<ChatChunk> {
  return (source) =>
    defer(() => {
      const { meter } = currentScope();
      if (meter === undefined) return source;
      meter.received(0);
      return source.pipe(
        tap(({ text, usage }) => {
          if (usage !== undefined) meter.used(usage);
          else meter.received(Math.max(1, estimateTokens(text)));
        }),
      );
    });
}
