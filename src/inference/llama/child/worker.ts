import type { Token } from 'node-llama-cpp';
import type { Clock } from '../../../clock.ts';
import { isStreamError, messageOf } from '../../../errors.ts';
import type { ChatSettings, ErrorData, Work, WorkEvent, WorkResults } from '../protocol.ts';
import { inCommon } from '../prefix-source.state.ts';
import { askForLease, grantLeases, noLeases, releaseLease, type SequenceLeases } from '../sequence-leases.state.ts';
import { Embedder } from './embed-texts.ts';
import type { Engine } from './engine.ts';
import { type EvaluatedPrompt, requireRoom } from './evaluate-prompt.ts';
import { generateAnswer, type Listener, type PreparedChat } from './generate-answer.ts';
import { Grammars } from './grammars.ts';
import type { Outbox } from './outbox.ts';
import { processMemory } from './process-memory.ts';
import { labelTokens, scoreLabels } from './score-labels.ts';
import { PromptTokens } from './prompt-tokens.ts';
import { SharedPrefixes } from './shared-prefixes.ts';
import { specialTokens } from './special-tokens.ts';

interface Job {
  readonly controller: AbortController;
  readonly prompt: readonly Token[];
  readonly granted: (sequence: number) => void;
}

/** What is done with a sequence. */
interface Leased<T> {
  readonly granted?: () => void;
  readonly body: (sequence: Engine['sequences'][number], evaluated: EvaluatedPrompt) => Promise<T>;
}

export interface Around {
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly warn: (message: string) => void;
}

/** Runs works on an engine: one lease per sequence, the rest waits in order of arrival. */
export class Worker {
  readonly #engine: Engine;
  readonly #outbox: Outbox;
  readonly #clock: Clock;
  readonly #grammars: Grammars;
  readonly #tokens: PromptTokens;
  readonly #embedder: Embedder;
  readonly #prefixes: SharedPrefixes;
  readonly #open = new Map<number, { readonly controller: AbortController; readonly kind: Work['kind'] }>();
  readonly #jobs = new Map<number, Job>();
  #leases: SequenceLeases;
  #outputTokens = 0;

  constructor(engine: Engine, { outbox, clock, warn }: Around) {
    this.#engine = engine;
    this.#outbox = outbox;
    this.#clock = clock;
    this.#grammars = new Grammars(engine);
    this.#tokens = new PromptTokens(engine, clock);
    this.#embedder = new Embedder(engine, this.#tokens);
    this.#prefixes = new SharedPrefixes(engine, warn);
    this.#leases = noLeases(engine.sequences.length);
  }

  start(id: number, work: Work): void {
    const controller = new AbortController();
    this.#open.set(id, { controller, kind: work.kind });
    this.#run(id, work, controller).then(
      (result) => {
        this.#end(id, controller, { kind: 'done', id, result });
      },
      (error: unknown) => {
        this.#end(id, controller, { kind: 'failed', id, error: errorData(error) });
      },
    );
  }

  cancel(id: number): void {
    this.#open.get(id)?.controller.abort();
    this.#outbox.drop(id);
    if (!this.#leases.waiting.includes(id)) return; // a running one ends with its next token
    this.#leases = releaseLease(this.#leases, id);
    this.#jobs.delete(id);
    this.#open.delete(id);
    this.#outbox.push({ kind: 'stopped', id });
  }

  #end(id: number, { signal }: AbortController, event: WorkEvent): void {
    this.#open.delete(id);
    this.#outbox.push(signal.aborted ? { kind: 'stopped', id } : event);
  }

  async #run(id: number, work: Work, controller: AbortController): Promise<WorkResults[keyof WorkResults]> {
    switch (work.kind) {
      case 'chat':
        return this.#answer(id, this.#tokens.ofTurns(work.turns, controller.signal), work.settings, controller);
      case 'complete':
        return this.#answer(id, this.#tokens.ofText(work.text, controller.signal), work.settings, controller);
      case 'labels':
        return this.#labels(id, work, controller);
      case 'embed':
        return this.#embedder.embed(work.texts, controller.signal);
      case 'count':
        return { tokens: await this.#tokens.count(work.turns, controller.signal) };
      case 'activity':
        return {
          inputTokens: this.#inputTokens(),
          outputTokens: this.#outputTokens,
          ...this.#calls(),
          heldTokens: this.#engine.sequences.reduce((sum, one) => sum + one.contextTokens.length, 0),
          memoryBytes: await processMemory(),
        };
    }
  }

  async #answer(
    id: number,
    asked: Promise<readonly Token[]>,
    settings: ChatSettings,
    controller: AbortController,
  ): Promise<WorkResults['chat']> {
    const askedMs = this.#clock.nowMs();
    let [grantedMs, firstMs] = [askedMs, undefined as number | undefined];
    const prompt = await asked;
    const stopTokens = specialTokens(this.#engine.model, settings.stopTokens);
    const grammar = settings.jsonSchema === undefined ? undefined : await this.#grammars.for(settings.jsonSchema);
    // one more for the end, which is no byte
    const longest = Math.min(settings.maxTokens, grammar ? grammar.longestBytes + 1 : settings.maxTokens);
    requireRoom(prompt.length, longest, this.#engine.facts.contextTokens);
    const chat: PreparedChat = { prompt, settings, stopTokens, grammar: grammar?.native, longest };
    const told: Listener = {
      token: () => {
        this.#outputTokens += 1;
        firstMs ??= this.#clock.nowMs();
      },
      text: (text, tokenCount, tokens) => {
        if (text !== '' && !controller.signal.aborted) this.#outbox.push({ kind: 'text', id, text, tokenCount, ...(tokens && { tokens }) });
      },
    };
    const answered = await this.#leased(id, prompt, controller, {
      granted: () => {
        grantedMs = this.#clock.nowMs();
      },
      body: (sequence, evaluated) => generateAnswer(this.#engine, sequence, chat, evaluated, controller.signal, told),
    });
    return { ...answered, timings: { queuedMs: grantedMs - askedMs, promptMs: (firstMs ?? this.#clock.nowMs()) - grantedMs } };
  }

  async #labels(id: number, work: Work & { kind: 'labels' }, controller: AbortController): Promise<WorkResults['labels']> {
    const prompt = await this.#tokens.ofTurns(work.turns, controller.signal);
    const tokens = labelTokens(this.#engine, work.labels);
    requireRoom(prompt.length, tokens.extraTokens, this.#engine.facts.contextTokens);
    return this.#leased(id, prompt, controller, {
      body: (sequence, evaluated) => scoreLabels(sequence, prompt, tokens, evaluated, controller.signal),
    });
  }

  async #leased<T>(id: number, prompt: readonly Token[], controller: AbortController, { granted, body }: Leased<T>): Promise<T> {
    controller.signal.throwIfAborted();
    const index = await new Promise<number>((resolve) => {
      this.#jobs.set(id, { controller, prompt, granted: resolve });
      this.#leases = askForLease(this.#leases, id);
      this.#grant();
    });
    granted?.();
    const sequence = this.#engine.sequences[index];
    try {
      if (!sequence) throw new RangeError(`expected sequence ${String(index)}`);
      return await body(sequence, await this.#prefixes.evaluate(index, sequence, prompt, controller.signal));
    } catch (error) {
      if (!controller.signal.aborted) await sequence?.clearHistory(); // what a failed step has left behind is nobody's prefix
      throw error;
    } finally {
      this.#jobs.delete(id);
      this.#leases = releaseLease(this.#leases, id);
      this.#grant();
    }
  }

  #grant(): void {
    const { leases, granted } = grantLeases(this.#leases, (id, sequence) => this.#keeps(id, sequence));
    this.#leases = leases;
    for (const { id, sequence } of granted) this.#jobs.get(id)?.granted(sequence);
  }

  /** A call waits from the moment in which it comes, also while its prompt becomes tokens; embeddings are computed one call after the other. */
  #calls(): { readonly running: number; readonly waiting: number } {
    const kinds = [...this.#open.values()].map(({ kind }) => kind);
    const calls = kinds.filter((kind) => kind !== 'count' && kind !== 'activity').length;
    const running = this.#leases.held.size + (kinds.includes('embed') ? 1 : 0);
    return { running, waiting: Math.max(0, calls - running) };
  }

  #inputTokens(): number {
    return this.#engine.sequences.reduce((sum, one) => sum + one.tokenMeter.usedInputTokens, 0);
  }

  /** Tokens that need not be evaluated again; less a little for what would be thrown away. */
  #keeps(id: number, index: number): number {
    const prompt = this.#jobs.get(id)?.prompt ?? [];
    const held = this.#engine.sequences[index]?.contextTokens ?? [];
    const same = inCommon(prompt, held);
    return same - (held.length - same) / 1e6;
  }
}

/** What llama.cpp and the C++ library say when memory, or room in the context that sequences share, is used up. */
const spent = /out of memory|bad_alloc|failed to (allocate|find a memory slot)|could not find a KV slot|no KV slot|ErrorOutOfDeviceMemory/i;

export const errorData = (error: unknown): ErrorData =>
  isStreamError(error)
    ? { code: error.code, message: error.message }
    : { code: spent.test(messageOf(error)) ? 'resource_exhausted' : 'model_failed', message: `the model failed: ${messageOf(error)}` };
