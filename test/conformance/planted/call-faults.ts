import { defer, filter, map, merge, Observable, of, shareReplay } from 'rxjs';
import type { BackendChunk } from '../../../src/inference/model.ts';
import { asking, each, last, model, pieces, type PlantedFault } from './planted-fault.ts';

export const callFaults: readonly PlantedFault[] = [
  {
    rule: 1,
    fault: 'claims what it cannot',
    changes: { backend: ({ capabilities }) => ({ capabilities: { ...capabilities, exactTokens: false } }) },
  },
  {
    rule: 2,
    fault: 'begins at the call',
    changes: model(({ chat }) => ({
      chat: (...asked) => {
        const call = chat(...asked);
        call.subscribe({ error: () => undefined });
        return call;
      },
    })),
  },
  {
    rule: 2,
    fault: 'gives one answer to all who subscribe',
    changes: model(({ chat }) => ({ chat: (...asked) => chat(...asked).pipe(shareReplay({ bufferSize: 1_000, refCount: false })) })),
  },
  { rule: 3, fault: 'reads its prompt late', changes: model(({ chat }) => ({ chat: (...asked) => defer(() => chat(...asked)) })) },
  {
    rule: 4,
    fault: 'reads prepared prompts otherwise',
    changes: model(({ chat }) => ({
      chat: (prompt, ...rest) => chat(typeof prompt === 'object' && 'hash' in prompt ? `${prompt.name}!` : prompt, ...rest),
    })),
  },
  { rule: 5, fault: 'counts from 1', changes: each((chunk) => ({ ...chunk, index: chunk.index + 1 })) },
  {
    rule: 5,
    fault: 'tells usage before the end',
    changes: each((chunk) => ({ usage: { inputTokens: 1, cachedTokens: 0, outputTokens: 1, totalTokens: 2 }, ...chunk })),
  },
  { rule: 5, fault: 'adds up wrongly', changes: last(({ usage }) => ({ usage: { ...usage, totalTokens: usage.totalTokens + 1 } })) },
  {
    rule: 5,
    fault: 'tells more cached than there is',
    changes: last(({ usage }) => ({ usage: { ...usage, cachedTokens: usage.inputTokens + 1 } })),
  },
  { rule: 6, fault: 'trims pieces', changes: each((chunk) => ({ ...chunk, text: chunk.text.trim() })) },
  {
    rule: 6,
    fault: 'loses a piece',
    changes: pieces((chunks) => chunks.pipe(filter(({ index, usage }) => index !== 1 || usage !== undefined))),
  },
  {
    rule: 7,
    fault: 'keeps all pieces to the end',
    changes: pieces(
      (chunks) =>
        new Observable((out) => {
          const held: BackendChunk[] = [];
          return chunks.subscribe({
            next: (chunk) => void held.push(chunk),
            error: (error: unknown) => {
              out.error(error);
            },
            complete: () => {
              for (const chunk of held) out.next(chunk);
              out.complete();
            },
          });
        }),
    ),
  },
  {
    rule: 8,
    fault: 'mixes two answers up',
    changes: pieces(
      (() => {
        let nth = 0;
        return (chunks: Observable<BackendChunk>) =>
          defer(() => ((nth += 1) === 30 ? chunks.pipe(map((chunk) => ({ ...chunk, text: 'x' }))) : chunks));
      })(),
    ),
  },
  {
    rule: 9,
    fault: 'takes any option',
    changes: model(({ chat }) => ({
      chat: (prompt, options, ctx) => chat(prompt, { ...options, seed: Math.ceil(options?.seed ?? 0) }, ctx),
    })),
  },
  { rule: 9, fault: 'fails the call instead', changes: model(({ embed }) => ({ embed: (...asked) => defer(() => embed(...asked)) })) },
  {
    rule: 10,
    fault: 'asks about nothing',
    changes: model(({ chat }) => ({ chat: (prompt, ...rest) => chat(prompt === '' ? 'Hello' : prompt, ...rest) })),
  },
  {
    rule: 11,
    fault: 'has another code for it',
    changes: {
      backend: (toy) => ({ capabilities: { ...toy.capabilities, sampling: [] } }),
      model: ({ chat }) => ({ chat: (prompt, options, ctx) => chat(prompt, { maxTokens: options?.maxTokens ?? 5 }, ctx) }),
    },
  },
  {
    rule: 12,
    fault: 'cuts a long prompt',
    changes: asking((turns, options) => [turns.map((turn) => ({ ...turn, content: turn.content.slice(0, 500) })), options]),
  },
  {
    rule: 12,
    fault: 'begins before it counts',
    changes: pieces((chunks, turns) => ((turns[0]?.content.length ?? 0) > 10_000 ? merge(of({ text: 'x', index: 0 }), chunks) : chunks)),
  },
  {
    rule: 13,
    fault: 'keeps a token back',
    changes: asking((turns, options) => [turns, { ...options, maxTokens: (options.maxTokens ?? 1) + 1 }]),
  },
];
