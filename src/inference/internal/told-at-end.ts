import { defer, map, type OperatorFunction } from 'rxjs';
import { currentScope } from '../../call.ts';
import type { BackendChunk, ChatChunk } from '../model.ts';
import type { TokenPrices } from '../../record/token-prices.ts';
import { costOf } from './cost-of.ts';

/** The last piece says where the time went, and what the call cost where the back end has prices. What the back end tells itself stays. */
export function toldAtEnd(prices: TokenPrices | undefined): OperatorFunction<BackendChunk, ChatChunk> {
  return (source) =>
    defer(() => {
      const { clock } = currentScope();
      const fromMs = clock.nowMs();
      let firstMs: number | undefined;
      return source.pipe(
        map(({ timings: told, ...chunk }): ChatChunk => {
          if (chunk.text !== '') firstMs ??= clock.nowMs();
          const { usage } = chunk;
          if (usage === undefined) return chunk;
          const nowMs = clock.nowMs();
          const timings = { firstTokenMs: (firstMs ?? nowMs) - fromMs, totalMs: nowMs - fromMs, ...told };
          return { ...chunk, timings, ...(prices && { cost: costOf(usage, prices) }) };
        }),
      );
    });
}
