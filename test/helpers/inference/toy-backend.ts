import { AsyncResource } from 'node:async_hooks';
import { defer, EMPTY, map, Observable, of } from 'rxjs';
import { currentScope } from '../../../src/call.ts';
import type { CancelTimer } from '../../../src/clock.ts';
import { InferenceError } from '../../../src/errors.ts';
import type { ChatChunk, ChatOptions, ChatTurn, ModelBackend, ModelCapabilities } from '../../../src/inference/model.ts';
import { countToyTokens, toyAnswer, toyLabels, toyLogProbability, toyScore, toyTokens, toyVector } from './toy-language.ts';

const toyContextTokens = 1_000;
export const toyPrices = { inputPerMillion: 3, outputPerMillion: 12, cachedPerMillion: 1 } as const;

const capabilities: ModelCapabilities = {
  contextTokens: toyContextTokens,
  jsonSchema: true,
  logProbabilities: true,
  embeddings: true,
  completion: true,
  reranking: true,
  tensors: true,
  tools: true,
  sampling: ['topP', 'topK', 'minP', 'seed', 'stopTokens', 'logProbabilities'],
  exactTokens: true,
};

/** The toy language as a back end that can do everything: a token a millisecond, prompts that begin as the one before are partly kept. */
export interface ToyBackend extends ModelBackend {
  /** Calls that run. */
  readonly running: () => number;
  /** Calls and tokens so far. */
  readonly done: () => number;
  /** Fails all that runs. */
  crash(): void;
}

const usageOf = (inputTokens: number, cachedTokens: number, outputTokens: number) => ({
  inputTokens,
  cachedTokens,
  outputTokens,
  totalTokens: inputTokens + outputTokens,
});

const tooLong = (tokens: number, maxTokens: number): InferenceError =>
  new InferenceError(
    'prompt_too_long',
    `expected at most ${String(toyContextTokens)} tokens together, got ${String(tokens)} of prompt and ${String(maxTokens)} of answer`,
  );

/** What the model says of itself with `Fail: code`. */
const failureIn = (turns: readonly ChatTurn[]): InferenceError | undefined => {
  const code = /Fail: (model_\w+)/.exec(turns.at(-1)?.content ?? '')?.[1];
  return code === undefined ? undefined : new InferenceError(code as 'model_failed', 'the prompt has asked for it');
};

export function toyBackend(name = 'toy'): ToyBackend {
  let running = 0;
  let done = 0;
  let kept = '';
  const crashes = new Set<() => void>();
  const elsewhere = new AsyncResource('toy'); // what comes of a process comes on a stack that knows nothing of the call

  /** So many tokens, one a millisecond, then the end. */
  const worked = <T>(values: readonly T[], failure?: InferenceError): Observable<T> =>
    new Observable<T>((out) => {
      const { clock } = currentScope();
      let cancel: CancelTimer | undefined;
      running += 1;
      done += 1;
      const step = (index: number): void => {
        cancel = clock.schedule(1, () => {
          const value = values[index];
          if (value !== undefined) done += 1;
          elsewhere.runInAsyncScope(() => {
            if (value !== undefined) out.next(value);
            else if (failure !== undefined) out.error(failure);
            else out.complete();
          });
          if (!out.closed) step(index + 1);
        });
      };
      const crash = (): void => {
        out.error(new InferenceError('model_crashed', 'the toy broke'));
      };
      crashes.add(crash);
      step(0);
      return () => {
        running -= 1;
        cancel?.();
        crashes.delete(crash);
      };
    });

  const spoken = (turns: readonly ChatTurn[], inputTokens: number, options: ChatOptions): Observable<ChatChunk> =>
    defer(() => {
      const { maxTokens = 512, logProbabilities, stopTokens = [] } = options;
      const failure = failureIn(turns);
      if (failure) return worked<ChatChunk>([], failure);
      if (inputTokens + maxTokens > toyContextTokens) throw tooLong(inputTokens, maxTokens);
      if (stopTokens.some((one) => !/^<\|\w+\|>$/.test(one)))
        throw new InferenceError('model_rejected', 'expected special tokens in stopTokens');
      const { tools = [], toolChoice } = options;
      const tool = tools.find(({ name: one }) => typeof toolChoice === 'object' && one === toolChoice.name);
      const { tokens, isCut } = toyAnswer(turns, tool ? { ...options, jsonSchema: tool.parameters ?? {} } : options);
      const text = turns.map(({ content }) => content).join('');
      const cachedTokens = kept === '' ? 0 : Math.min(inputTokens - 1, commonStart(kept, text));
      kept = text;
      const pieces = tokens.map((token, index) => ({
        ...(tool === undefined
          ? { text: token }
          : { text: '', toolCalls: [{ ...(index === 0 ? { id: 'call-1', name: tool.name } : {}), index: 0, arguments: token }] }),
        index,
        ...(logProbabilities === undefined ? {} : { tokens: [toyLogProbability(token, logProbabilities)] }),
      }));
      const last = {
        text: '',
        index: tokens.length,
        usage: usageOf(inputTokens, cachedTokens, tokens.length),
        finishReason: isCut ? ('length' as const) : ('stop' as const),
        model: name,
      };
      return worked<ChatChunk>([...pieces, last]);
    });

  return {
    name,
    capabilities,
    prices: toyPrices,
    running: () => running,
    done: () => done,
    crash: () => {
      for (const one of [...crashes]) one();
    },
    chat: (turns, options) => spoken(turns, countToyTokens(turns), options),
    complete: (text, options) => spoken([{ role: 'user', content: text }], toyTokens(text).length, options),
    labelLogProbabilities: (turns, labels) =>
      worked([{ logProbabilities: toyLabels(turns, labels), usage: usageOf(countToyTokens(turns), 0, 1) }]),
    embed: (texts) =>
      worked([
        texts.map((text) => ({ vector: Float32Array.from(toyVector(text)), usage: usageOf(toyTokens(text).length, 0, 0), model: name })),
      ]),
    rerank: (query, documents) =>
      worked([
        {
          scores: documents.map((document) => toyScore(query, document)),
          usage: usageOf(
            documents.reduce((sum, one) => sum + toyTokens(one).length, 0),
            0,
            0,
          ),
        },
      ]),
    infer: (inputs) => worked([inputs.map((one) => ({ ...one, name: `${one.name}-out` }))]),
    countTokens: (turns) => of(countToyTokens(turns)),
    state: () => defer(() => of({ running, waiting: 0, slots: undefined })),
    warmUp: () => defer(() => EMPTY),
    dispose: () => defer(() => EMPTY).pipe(map((none: never) => none)),
  };
}

function commonStart(a: string, b: string): number {
  let same = 0;
  while (same < a.length && a[same] === b[same]) same += 1;
  return toyTokens(a.slice(0, same)).length;
}
