import type { Observable } from 'rxjs';
import { expect } from 'vitest';
import { sleep, systemClock } from '../../../src/clock.ts';
import { gradeOf, isStreamError, type StreamError } from '../../../src/errors.ts';
import type { ErrorCode } from '../../../src/errors.ts';
import type { ChatChunk, ChatOptions, Model, Prompt, SamplingOption } from '../../../src/inference/model.ts';
import type { TokenPrices } from '../../../src/record/token-prices.ts';
import { Listener } from './listener.ts';

/** What not every back end can do, as `capabilities` names it, and what not every back end lets be seen or brought about. */
export type Ability =
  | Exclude<SamplingOption, 'logProbabilities'>
  /** `logProbabilities` of tokens; those of labels. */
  | 'tokenProbabilities'
  | 'labelProbabilities'
  | 'jsonSchema'
  | 'embeddings'
  | 'completion'
  | 'reranking'
  | 'tensors'
  | 'exactTokens'
  | 'contextTokens'
  /** Pieces come while the answer is made. */
  | 'streaming'
  /** Prompts that begin alike are told as cached. */
  | 'cachedPrefix'
  /** A call is one request: its usage is that of one model. */
  | 'oneRequest'
  /** It works behind a far side that can be watched. */
  | 'farSide'
  | 'crash'
  | 'faults'
  | 'prices'
  /** Closing its resource ends it, too. */
  | 'close';

/** What lies behind a model, seen from its own side: a server, a process. */
export interface FarSide {
  /** Calls that it works on. */
  working(): number | Promise<number>;
  /** Grows with every call and every token that it works on, and with nothing else. */
  done(): number | Promise<number>;
  /** Calls that it does not count among what is done. */
  readonly blindTo?: readonly Ability[];
  /** Brings it down under the calls that run; it comes back by itself. */
  crash?(): void | Promise<void>;
}

export interface OpenModel {
  readonly model: Model;
  /** Closes the resource. */
  readonly close: () => Promise<void>;
  readonly far?: FarSide | undefined;
}

/** How a model is asked so that its answer is known. */
export interface Asks {
  /** For an answer that is `text`. */
  exactly(text: string): { readonly prompt: Prompt; readonly options: ChatOptions; readonly text: string };
  /** For an answer of 40 tokens and more, that takes long enough to be left. */
  readonly long: { readonly prompt: Prompt; readonly options: ChatOptions };
  /** For an answer of more than 3 tokens and less than 60, which is another with another seed. */
  readonly short: string;
  /** More than it can take. */
  readonly tooLong: string;
  /** A question, labels to choose from and the right one. */
  readonly label: { readonly prompt: string; readonly labels: readonly [string, string, ...string[]]; readonly right: string };
  /** A special token of the model's template. */
  readonly specialToken: string;
}

/** A fault that a prompt brings about. */
export interface AskedFault {
  readonly prompt: Prompt;
  readonly code: ErrorCode;
}

/** What a back end gives to be tested. */
export interface ModelUnderTest {
  /** Opens a model; those of one test run beside each other. */
  open(): Promise<OpenModel>;
  /** What it cannot do, each with the reason; rules that need it are skipped, and rule 1 holds it against `capabilities`. */
  readonly cannot?: Partial<Readonly<Record<Ability, string>>>;
  /** @defaultValue as the toy language wants it */
  readonly asks?: Partial<Asks>;
  /** So many calls at once are many: more than it works on. @defaultValue 50 */
  readonly manyCalls?: number;
  readonly faults?: readonly AskedFault[];
  readonly prices?: TokenPrices;
  /** What must stand in no error: keys. */
  readonly secrets?: readonly string[];
}

export interface ModelPatience {
  /** How long something may take that must happen. @defaultValue 20 s */
  readonly eventuallyMs: number;
  /** How long something is watched that must not happen. @defaultValue 30 ms */
  readonly quietMs: number;
}

const toyAsks: Asks = {
  exactly: (text) => ({ prompt: `Say exactly: ${text}`, options: { maxTokens: 400 }, text }),
  long: { prompt: 'Count to 200', options: { maxTokens: 300 } },
  short: 'What do you say?',
  tooLong: 'word '.repeat(5_000),
  label: { prompt: 'The sky is blue, blue, blue. Which colour is it?', labels: ['red', 'blue', 'green'], right: 'blue' },
  specialToken: '<|im_end|>',
};

/** What rules work with. A rule gets one of its own, with the model that all share. */
export class ModelWorld {
  readonly under: ModelUnderTest;
  readonly asks: Asks;
  readonly patience: ModelPatience;
  readonly #shared: OpenModel;
  readonly #opened: OpenModel[] = [];
  readonly #listeners: Listener<unknown>[] = [];
  readonly #errors: unknown[] = [];

  constructor(under: ModelUnderTest, shared: OpenModel, patience: ModelPatience) {
    this.under = under;
    this.asks = { ...toyAsks, ...under.asks };
    this.patience = patience;
    this.#shared = shared;
  }

  get model(): Model {
    return this.#shared.model;
  }

  get far(): FarSide | undefined {
    return this.#shared.far;
  }

  readonly can = (ability: Ability): boolean => this.under.cannot?.[ability] === undefined;

  /** Another one, that may be broken. */
  async another(): Promise<OpenModel> {
    const opened = await this.under.open();
    this.#opened.push(opened);
    return opened;
  }

  /** Subscribes to a call. */
  listen<T>(call: Observable<T>): Listener<T> {
    const listener = new Listener(call, this.patience.eventuallyMs);
    this.#listeners.push(listener);
    return listener;
  }

  /** All that a call emits. */
  async all<T>(call: Observable<T>): Promise<readonly T[]> {
    const listener = this.listen(call);
    await listener.over;
    if (listener.end === 'failed') throw listener.error as Error;
    return listener.values;
  }

  /** The one value of a call. */
  async one<T>(call: Observable<T>): Promise<T> {
    const values = await this.all(call);
    expect(values, 'values of a call that has one result').toHaveLength(1);
    return values[0] as T;
  }

  /** The error that a call fails with. */
  async failure(call: Observable<unknown>): Promise<StreamError> {
    const listener = this.listen(call);
    await listener.over;
    expect(listener.end, 'how the call ends').toBe('failed');
    return this.ours(listener.error);
  }

  /** An error that has to be one of ours. */
  ours(error: unknown): StreamError {
    this.#errors.push(error);
    if (!isStreamError(error)) throw new Error('expected one of our errors', { cause: error });
    expect(Object.keys(gradeOf)).toContain(error.code);
    return error;
  }

  /** Waits until a check passes. */
  async eventually(check: () => void | Promise<void>): Promise<void> {
    const untilMs = systemClock.nowMs() + this.patience.eventuallyMs;
    for (;;) {
      try {
        await check();
        return;
      } catch (error) {
        if (systemClock.nowMs() >= untilMs) throw error;
        await sleep(systemClock, 2);
      }
    }
  }

  quiet(): Promise<void> {
    return sleep(systemClock, this.patience.quietMs);
  }

  /** Until nothing runs any more, on the far side and by the model's own account, and that stays. */
  async idle({ model, far }: Pick<OpenModel, 'model' | 'far'> = this.#shared): Promise<void> {
    await this.eventually(async () => {
      const done = await far?.done();
      await this.quiet();
      if (far) expect(await far.working(), 'calls on the far side').toBe(0);
      expect(await this.one(model.state())).toMatchObject({ running: 0, waiting: 0 });
      if (far) expect(await far.done(), 'what is done on the far side for nobody').toBe(done);
    });
  }

  /** Whether `body` reaches the far side not at all. */
  async untouched(body: () => Promise<void> | void): Promise<void> {
    const done = await this.far?.done();
    await body();
    await this.quiet();
    expect(await this.far?.done(), 'what is done on the far side').toBe(done);
  }

  /** After a rule: what held at all times, and everything closed. */
  async end(): Promise<readonly string[]> {
    for (const listener of this.#listeners) listener.leave();
    const closed = await Promise.allSettled(this.#opened.map((one) => one.close()));
    const all = [...this.#errors, ...this.#listeners.map(({ error }) => error)].filter((error) => error !== undefined);
    return [
      ...this.#listeners.flatMap(({ breaches }) => breaches),
      ...closed.flatMap((one) => (one.status === 'rejected' ? [`closing failed: ${String(one.reason)}`] : [])),
      ...all
        .filter((error) => (this.under.secrets ?? []).some((secret) => told(error).includes(secret)))
        .map(() => 'an error tells a secret'),
    ];
  }
}

/** All that a log could show of an error. */
function told(error: unknown, depth = 0): string {
  if (typeof error !== 'object' || error === null || depth > 8) return String(error);
  const own = Object.getOwnPropertyNames(error).map((name) => {
    const value: unknown = Reflect.get(error, name);
    return typeof value === 'object' && value !== null ? told(value, depth + 1) : String(value);
  });
  return own.join('\n');
}

export const textOf = (chunks: readonly ChatChunk[]): string => chunks.map(({ text }) => text).join('');
