import { defer, map, type Observable } from 'rxjs';
import { InferenceError } from '../../errors.ts';
import type { Opened } from '../../resource.ts';
import { countUsage } from '../internal/count-usage.ts';
import { estimatePromptTokens, estimateTokens } from '../internal/estimate-tokens.ts';
import { metered } from '../internal/metered.ts';
import { modelOf } from '../internal/model-of.ts';
import { naming } from '../internal/naming.ts';
import { turnsOf } from '../internal/prompt.ts';
import { Runner } from '../internal/runner.ts';
import { toldAtEnd } from '../internal/told-at-end.ts';
import type { MeteredBackend } from '../internal/metered-backend.ts';
import type { ChatChunk, Classification, Model } from '../model.ts';
import type { Player } from './player.ts';
import { asEmbeddings, asTensors, storedEmbeddings, storedTensors } from './stored.ts';

/** What cassettes do not say that were recorded before back ends told it. */
const unsaid = { completion: false, reranking: false, tensors: false, sampling: ['topP', 'seed'] } as const;

/** Answers are recorded below their schema: as text that is validated again when it is replayed. */
function backendOf(player: Player, name: string, capabilities: MeteredBackend['capabilities']): MeteredBackend {
  return {
    name,
    capabilities,
    chat: (prompt, options, ctx) =>
      player
        .play(
          { method: 'chat', request: { prompt, ...options } },
          (model) => model.chat(prompt, options, ctx).pipe(map(timeless)),
          metered({ name }, () => estimatePromptTokens(prompt)),
        )
        .pipe(toldAtEnd(undefined)),
    complete: (text, options, ctx) =>
      player
        .play(
          { method: 'complete', request: { text, ...options } },
          (model) => model.complete(text, options, ctx).pipe(map(timeless)),
          metered({ name }, () => estimateTokens(text)),
        )
        .pipe(toldAtEnd(undefined)),
    countTokens: (prompt) => player.play({ method: 'countTokens', request: { prompt } }, (model) => model.countTokens(prompt)),
    embed: (texts, ctx) =>
      player
        .play({ method: 'embed', request: { texts } }, (model) => model.embed(texts, ctx).pipe(map(storedEmbeddings)), countUsage({ name }))
        .pipe(map(asEmbeddings)),
    rerank: (query, documents, ctx) => {
      const scored = (model: Model) =>
        model.rerank(query, documents, ctx).pipe(map(({ ranking, usage }) => ({ scores: inOrder(ranking), usage })));
      return player.play({ method: 'rerank', request: { query, documents } }, scored, countUsage({ name }));
    },
    infer: (inputs, ctx) => {
      const outputs = (model: Model) => model.infer(inputs, ctx).pipe(map((made) => storedTensors(made.outputs)));
      return player.play({ method: 'infer', request: { inputs: storedTensors(inputs) } }, outputs).pipe(map(asTensors));
    },
    dispose: () => player.dispose(),
  };
}

/** The model of a cassette, opened. Closing ends its calls and closes what it has opened; the model behind it may be others', too. */
export function playedModel(player: Player): Opened<Model> {
  const { header } = player.tape;
  if (!header) throw new InferenceError('model_damaged', `cassette ${player.tape.file} lost its first line while it was opened`);
  const { model: name } = header;
  const backend = backendOf(player, name, { ...unsaid, ...header.capabilities });
  const runner = new Runner(backend);
  const played = modelOf(backend, runner);
  // which log-probabilities a model saw is its own affair: the classification is what is kept
  const classify: Model['classify'] = (prompt, options, ctx) => {
    void played.classify(prompt, options, ctx); // options that are wrong are so at the call
    const turns = turnsOf(prompt);
    const { calibrate } = options;
    const request = {
      prompt: turns,
      labels: [...options.labels],
      ...(calibrate === undefined ? {} : { calibrate: turnsOf(calibrate) }),
    };
    type Found = Classification<(typeof options.labels)[number]>;
    const work = (): Observable<Found> =>
      player
        .play(
          { method: 'classify', request },
          (model) => model.classify(prompt, options, ctx) as Observable<StoredClassification>,
          (one) => defer(naming(prompt, () => one.pipe(countUsage({ name })))),
        )
        .pipe(map((one) => ({ probabilities: undefined, ...one }) as Found));
    return runner.ask(turns, undefined, ctx, work);
  };
  const close = async (): Promise<void> => {
    runner.end();
    await player.close();
  };
  return { value: { ...played, classify }, close };
}

/** How long it took is another time each time, and would make another file. */
const timeless = (chunk: ChatChunk): ChatChunk =>
  Object.fromEntries(Object.entries(chunk).filter(([name]) => name !== 'timings')) as unknown as ChatChunk;

/** Scores in the order of the documents. */
const inOrder = (ranking: readonly { readonly index: number; readonly score: number }[]): readonly number[] =>
  ranking.toSorted((a, b) => a.index - b.index).map(({ score }) => score);

/** JSON leaves out what is undefined. */
type StoredClassification = Omit<Classification<string>, 'probabilities'> & {
  readonly probabilities?: Readonly<Record<string, number>> | undefined;
};
