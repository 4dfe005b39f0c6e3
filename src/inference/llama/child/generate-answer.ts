import type { LlamaContextSequence, LlamaGrammar, LlamaGrammarEvaluationState, Token } from 'node-llama-cpp';
import type { FinishReason, JsonSchema } from '../../model.ts';
import type { ChatSettings, WorkResults } from '../protocol.ts';
import type { Engine } from './engine.ts';
import { evaluatePrompt } from './evaluate-prompt.ts';
import { type SchemaGrammar, schemaGrammar } from './schema-grammar.ts';
import { StopScanner } from './stop-scanner.ts';
import { TokenText } from './token-text.ts';

/** What a chat needs besides its sequence, made before it waits for one. */
export interface PreparedChat {
  readonly prompt: readonly Token[];
  readonly settings: ChatSettings;
  readonly grammar: LlamaGrammar | undefined;
  /** No answer has more tokens. */
  readonly longest: number;
}

const maxGrammars = 32;

/** Keeps the grammars of the last 32 schemas: a pipeline asks with the same few again and again. */
export class Grammars {
  readonly #engine: Engine;
  readonly #known = new Map<string, Promise<SchemaGrammar & { readonly native: LlamaGrammar }>>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  async for(schema: JsonSchema): Promise<SchemaGrammar & { readonly native: LlamaGrammar }> {
    const key = JSON.stringify(schema);
    const compiled = this.#known.get(key) ?? this.#compile(schema);
    this.#known.delete(key); // to the end: the first is the one that was not used for longest
    this.#known.set(key, compiled);
    const [oldest] = this.#known.keys();
    if (oldest !== undefined && this.#known.size > maxGrammars) this.#known.delete(oldest);
    return compiled;
  }

  async #compile(schema: JsonSchema): Promise<SchemaGrammar & { readonly native: LlamaGrammar }> {
    const compiled = schemaGrammar(schema);
    return { ...compiled, native: await this.#engine.llama.createGrammar({ grammar: compiled.grammar }) };
  }
}

export interface Listener {
  /** A token was generated. */
  readonly token: () => void;
  readonly text: (text: string) => void;
}

/** Generates until the model ends, a stop string appears or the longest answer is reached. */
export async function generateAnswer(
  engine: Engine,
  sequence: LlamaContextSequence,
  chat: PreparedChat,
  signal: AbortSignal,
  told: Listener,
): Promise<WorkResults['chat']> {
  const { prompt, settings, grammar, longest } = chat;
  const { last: lastToken, kept } = await evaluatePrompt(sequence, prompt, signal);
  const answer = new TokenText<Token>((tokens, before) => engine.model.detokenize(tokens, false, before), prompt);
  const scanner = new StopScanner(settings.stop);
  let outputTokens = 0;
  let finishReason: FinishReason = 'stop';
  for await (const token of sequence.evaluate([lastToken], samplingOf(engine, settings, grammar))) {
    outputTokens += 1;
    told.token();
    const { text, stopped } = scanner.push(answer.push(token));
    told.text(text);
    signal.throwIfAborted();
    if (stopped) return { finishReason, usage: usageOf(prompt.length, kept, outputTokens) };
    if (outputTokens >= longest) {
      finishReason = 'length';
      break;
    }
  }
  const last = scanner.push(answer.flush());
  told.text(last.stopped ? last.text : last.text + scanner.flush());
  return { finishReason: last.stopped ? 'stop' : finishReason, usage: usageOf(prompt.length, kept, outputTokens) };
}

interface Sampling {
  readonly temperature: number;
  readonly topP?: number;
  readonly seed?: number;
  readonly grammarEvaluationState?: LlamaGrammarEvaluationState;
}

function samplingOf(engine: Engine, { temperature, topP, seed }: ChatSettings, grammar: LlamaGrammar | undefined): Sampling {
  return {
    temperature,
    ...(topP === undefined ? {} : { topP }),
    ...(seed === undefined ? {} : { seed }),
    ...(grammar ? { grammarEvaluationState: new engine.vendor.LlamaGrammarEvaluationState({ model: engine.model, grammar }) } : {}),
  };
}

/** The vendor's meter counts what was evaluated, nothing on a full prefix hit; so the prompt and the answer are counted here. */
export const usageOf = (inputTokens: number, cachedTokens: number, outputTokens: number): WorkResults['chat']['usage'] => ({
  inputTokens,
  cachedTokens,
  outputTokens,
  totalTokens: inputTokens + outputTokens,
});
