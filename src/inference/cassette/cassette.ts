import { concatMap, defer, from, identity, map, type MonoTypeOperatorFunction, Observable, of, throwError } from 'rxjs';
import { call, type CallContext, currentScope } from '../../call.ts';
import { sleep } from '../../clock.ts';
import { type ErrorCode, gradeOf, InferenceError, isStreamError, OptionError, requireOneOf, requireText } from '../../errors.ts';
import type { OpenContext, Opened, Resource } from '../../resource.ts';
import { countUsage } from '../internal/count-usage.ts';
import { estimatePromptTokens } from '../internal/estimate-tokens.ts';
import { metered } from '../internal/metered.ts';
import { modelOf } from '../internal/model-of.ts';
import { naming } from '../internal/naming.ts';
import { turnsOf } from '../internal/prompt.ts';
import { toldAtEnd } from '../internal/told-at-end.ts';
import type { ChatChunk, Classification, ClassifyOptions, Embedding, Model, ModelBackend, Prompt } from '../model.ts';
import { type Asked, type Entry, keyOf, stableJson } from './entry.ts';
import { Tape } from './tape.ts';

export interface CassetteOptions {
  /**
   * Where the answers are: JSON lines, written by recording. Processes that record into one file at a time take turns, and lose
   * nothing of each other; a file is always whole, also when one of them is killed.
   */
  readonly file: string;
  /**
   * `replay`: the model is not even opened, and what was not recorded fails. `record`: the file is begun anew (with what others record at this time), the model is asked
   * once for each question. `auto`: the model is asked for what is missing. @defaultValue the environment's MILLRACE_CASSETTE, or `replay`
   */
  readonly mode?: CassetteMode;
  /** `recorded`: pieces of an answer come as they came from the model. `none`: at once, and no times are written. @defaultValue 'none' */
  readonly timing?: 'none' | 'recorded';
}

export type CassetteMode = 'replay' | 'record' | 'auto';

const modes = ['replay', 'record', 'auto'] as const;
const shownPrompt = 60;

/**
 * Records a model's answers once and replays them from then on: for tests that need real answers, and neither a model nor
 * its time. An answer belongs to the method, the prompt and everything the answer depends on (tokens, temperature, stop strings,
 * labels, JSON Schema): change one of them, and it has to be recorded again. `answer` replays the text and validates it by
 * today's schema.
 *
 * In: a model as a resource. Out: the same as a resource. Holds the file's answers. The file holds prompts and answers, and
 * nothing of keys, addresses or headers. Failures are recorded where they would be the same again (grade `record`).
 * Fails with `model_not_found` for what was not recorded, `model_damaged` for a file that is no cassette; unsubscribing
 * stops the model, and records nothing.
 * @throws OptionError for options out of range.
 * @see VCR for Ruby, which named them
 */
export function cassette(model: Resource<Model>, options: CassetteOptions): Resource<Model> {
  const { file, mode = process.env['MILLRACE_CASSETTE'] ?? 'replay', timing = 'none' } = options;
  requireText('file', file);
  requireOneOf('mode', mode, modes);
  requireOneOf('timing', timing, ['none', 'recorded']);
  return {
    name: `cassette of ${model.name}`,
    open: async (context) => {
      const player = new Player({ model, tape: Tape.of(file), mode, isTimed: timing === 'recorded', context });
      await player.begin();
      return { value: playedBy(player), close: () => player.close() };
    },
  };
}

interface PlayerOptions {
  readonly model: Resource<Model>;
  readonly tape: Tape;
  readonly mode: CassetteMode;
  readonly isTimed: boolean;
  readonly context: OpenContext;
}

/** Answers from the tape, or from the model onto the tape. */
class Player {
  readonly tape: Tape;
  readonly #options: PlayerOptions;
  #opened: Promise<Opened<Model>> | undefined;

  constructor(options: PlayerOptions) {
    this.#options = options;
    this.tape = options.tape;
  }

  async begin(): Promise<void> {
    const { tape, mode } = this.#options;
    if (mode === 'record') {
      await tape.beginAnew();
      tape.header = undefined;
    }
    if (mode === 'replay' && !tape.header)
      throw new InferenceError(
        'model_not_found',
        `cassette ${tape.file} does not exist: record it with MILLRACE_CASSETTE=record, or mode: 'record'`,
      );
    if (!tape.header) await this.#open();
  }

  async close(): Promise<void> {
    await this.tape.saved();
    const opened = await this.#opened?.catch(() => undefined);
    await opened?.close();
  }

  /**
   * The answer to a question, which the model is asked by `ask`.
   * @param counted tells what a replayed one used; of one that is recorded the model itself does
   */
  play<T>(asked: Asked, ask: (model: Model) => Observable<T>, counted: MonoTypeOperatorFunction<T> = identity): Observable<T> {
    return defer(() => {
      const key = keyOf(asked);
      const { tape, mode, isTimed } = this.#options;
      const entry = tape.find(key);
      if (entry) return replayed<T>(entry, isTimed).pipe(counted);
      if (mode === 'replay') return throwError(() => missing(tape.file, asked, key));
      return from(this.#open()).pipe(concatMap((model) => this.#recorded(asked, key, ask(model))));
    });
  }

  async #open(): Promise<Model> {
    const { model, tape, context } = this.#options;
    this.#opened ??= model.open(context);
    const { value } = await this.#opened;
    const { name, capabilities } = value;
    tape.header ??= { cassette: 1, model: name, capabilities };
    if (tape.header.model !== name)
      throw new OptionError(
        `cassette ${tape.file} holds answers of ${tape.header.model}, and the model is ${name}: begin it anew with mode: 'record'`,
      );
    return value;
  }

  #recorded<T>(asked: Asked, key: string, answer: Observable<T>): Observable<T> {
    return new Observable<T>((out) => {
      const { clock } = currentScope();
      const emitted: T[] = [];
      const afterMs: number[] = [];
      let lastMs = clock.nowMs();
      const times = (): Pick<Entry, 'afterMs'> => (this.#options.isTimed ? { afterMs } : {});
      return answer.subscribe({
        next: (value) => {
          emitted.push(value);
          afterMs.push(Math.round(clock.nowMs() - lastMs));
          lastMs = clock.nowMs();
          out.next(value);
        },
        error: (error: unknown) => {
          if (isStreamError(error) && gradeOf[error.code] === 'record')
            this.tape.keep({
              ...asked,
              key,
              ...(emitted.length > 0 ? { emitted } : {}),
              error: { code: error.code, message: error.message },
            });
          out.error(error);
        },
        complete: () => {
          this.tape.keep({ ...asked, key, emitted, ...times() });
          out.complete();
        },
      });
    });
  }
}

/** Never within the call that subscribes: a model answers later. */
function replayed<T>({ emitted = [], afterMs = [], error }: Entry, isTimed: boolean): Observable<T> {
  const { clock } = currentScope();
  const piece = (value: unknown, at: number): Observable<T> => {
    const waitMs = isTimed ? (afterMs[at] ?? 0) : 0;
    return waitMs === 0 ? of(value as T) : call(({ signal }) => sleep(clock, waitMs, signal)).pipe(map(() => value as T));
  };
  const end: readonly Observable<T>[] = error ? [throwError(() => new InferenceError(error.code as ErrorCode, error.message))] : [];
  return from(Promise.resolve()).pipe(
    concatMap(() => from([...emitted.map(piece), ...end])),
    concatMap((one) => one),
  );
}

function missing(file: string, { method, request }: Asked, key: string): InferenceError {
  const text = stableJson(request);
  const shown = text.length > shownPrompt ? `${text.slice(0, shownPrompt)}…` : text;
  return new InferenceError(
    'model_not_found',
    `cassette ${file} has no answer to ${method} ${shown} (${key}): record it with MILLRACE_CASSETTE=record, or mode: 'record'`,
  );
}

/** What cassettes do not say that were recorded before back ends told it. */
const unsaid = { completion: false, reranking: false, tensors: false, sampling: ['topP', 'seed'] } as const;

/** Answers are recorded below their schema: as text that is validated again when it is replayed. */
function playedBy(player: Player): Model {
  const { header } = player.tape;
  if (!header) throw new InferenceError('model_damaged', `cassette ${player.tape.file} lost its first line while it was opened`);
  const { model: name } = header;
  const capabilities = { ...unsaid, ...header.capabilities };
  const backend: ModelBackend = {
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
    countTokens: (prompt) => player.play({ method: 'countTokens', request: { prompt } }, (model) => model.countTokens(prompt)),
    embed: (texts, ctx) =>
      player
        .play({ method: 'embed', request: { texts } }, (model) => model.embed(texts, ctx).pipe(map(asNumbers)), countUsage({ name }))
        .pipe(map(asVectors)),
  };
  // which log-probabilities a model saw is its own affair: the classification is what is kept
  const classify = <const L extends string>(
    prompt: Prompt,
    options: ClassifyOptions<L>,
    ctx?: CallContext,
  ): Observable<Classification<L>> => {
    const request = { prompt: turnsOf(prompt), labels: options.labels };
    const asClassification = (one: StoredClassification): Classification<L> => ({ probabilities: undefined, ...one }) as Classification<L>;
    return player
      .play(
        { method: 'classify', request },
        (model) => model.classify(prompt, options, ctx) as Observable<StoredClassification>,
        (played) => defer(naming(prompt, () => played.pipe(countUsage({ name })))),
      )
      .pipe(map(asClassification));
  };
  return { ...modelOf(backend), classify };
}

/** How long it took is another time each time, and would make another file. */
const timeless = (chunk: ChatChunk): ChatChunk =>
  Object.fromEntries(Object.entries(chunk).filter(([name]) => name !== 'timings')) as unknown as ChatChunk;

/** JSON leaves out what is undefined. */
type StoredClassification = Omit<Classification<string>, 'probabilities'> & {
  readonly probabilities?: Readonly<Record<string, number>> | undefined;
};

type StoredEmbedding = Omit<Embedding, 'vector'> & { readonly vector: readonly number[] };

const asNumbers = (embeddings: readonly Embedding[]): readonly StoredEmbedding[] =>
  embeddings.map((one) => ({ ...one, vector: [...one.vector] }));
const asVectors = (embeddings: readonly StoredEmbedding[]): readonly Embedding[] =>
  embeddings.map((one) => ({ ...one, vector: Float32Array.from(one.vector) }));
