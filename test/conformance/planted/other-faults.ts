import { defer, EMPTY, from, map, NEVER, of } from 'rxjs';
import { completeModel } from '../../../src/inference/complete-model.ts';
import { last, model, type PlantedFault } from './planted-fault.ts';

export const otherFaults: readonly PlantedFault[] = [
  {
    rule: 40,
    fault: 'leaves vectors as long as they come',
    changes: model(({ embed }) => ({
      embed: (texts, ctx) =>
        embed(texts, ctx).pipe(map((all) => all.map((one) => ({ ...one, vector: one.vector.map((value) => 2 * value) })))),
    })),
  },
  {
    rule: 41,
    fault: 'sorts texts',
    changes: { backend: ({ embed }) => ({ embed: (texts, ctx) => embed?.(texts.toSorted(), ctx) ?? EMPTY }) },
  },
  {
    rule: 42,
    fault: 'ranks by place',
    changes: {
      backend: ({ rerank }) => ({
        rerank: (query, documents, ctx) =>
          (rerank?.(query, documents, ctx) ?? EMPTY).pipe(map((one) => ({ ...one, scores: documents.map((_, index) => -index) }))),
      }),
    },
  },
  {
    rule: 42,
    fault: 'puts the worst first',
    changes: model(({ rerank }) => ({
      rerank: (query, documents, ctx) => rerank(query, documents, ctx).pipe(map((one) => ({ ...one, ranking: one.ranking.toReversed() }))),
    })),
  },
  {
    rule: 43,
    fault: 'gives shapes that do not fit',
    changes: {
      backend: ({ infer }) => ({
        infer: (inputs, ctx) => (infer?.(inputs, ctx) ?? EMPTY).pipe(map((all) => all.map((one) => ({ ...one, shape: [9] })))),
      }),
    },
  },
  { rule: 44, fault: 'asks for nothing', changes: model((_, toy) => ({ embed: () => toy.embed?.([]) ?? EMPTY })) },
  {
    rule: 45,
    fault: 'counts its own way',
    changes: { backend: ({ countTokens }) => ({ countTokens: (turns) => countTokens(turns).pipe(map((tokens) => tokens + 1)) }) },
  },
  { rule: 46, fault: 'estimates the prompt alone', changes: model(({ countTokens }) => ({ estimate: (prompt) => countTokens(prompt) })) },
  {
    rule: 47,
    fault: 'charges cached tokens in full',
    changes: {
      backend: ({ prices }) => ({
        prices: { inputPerMillion: prices?.inputPerMillion ?? 0, outputPerMillion: prices?.outputPerMillion ?? 0 },
      }),
    },
  },
  { rule: 48, fault: 'keeps nothing', changes: last(({ usage }) => ({ usage: { ...usage, cachedTokens: 0 } })) },
  {
    rule: 49,
    fault: 'is counted twice',
    changes: { model: ({ capabilities, name, chat, countTokens }) => completeModel({ capabilities, name, chat, countTokens }) },
  },
  { rule: 50, fault: 'does not tell what runs', changes: { backend: () => ({ state: () => of({ running: 0, waiting: 0, slots: 1 }) }) } },
  {
    rule: 50,
    fault: 'tells more and more',
    changes: {
      backend: () => {
        let running = 0;
        return { state: () => defer(() => of({ running: (running += 1), waiting: 0, slots: 1 })) };
      },
    },
  },
  { rule: 51, fault: 'tells when it is warm', changes: { backend: () => ({ warmUp: () => from<readonly never[]>(['warm' as never]) }) } },
  { rule: 51, fault: 'is never warm', changes: { backend: () => ({ warmUp: () => NEVER }) } },
];
