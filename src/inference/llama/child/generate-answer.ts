import type { LlamaContextSequence, LlamaGrammar, LlamaGrammarEvaluationState, Token } from 'node-llama-cpp';
import type { FinishReason, TokenLogProbability } from '../../model.ts';
import type { ChatSettings, WorkResults } from '../protocol.ts';
import type { Engine } from './engine.ts';
import type { EvaluatedPrompt } from './evaluate-prompt.ts';
import { StopScanner } from './stop-scanner.ts';
import { TokenPieces } from './token-pieces.ts';
import { type Likelihoods, tokenLogProbability } from './token-log-probability.ts';
import { TokenText } from './token-text.ts';

/** What an answer needs besides its sequence, made before it waits for one. */
export interface PreparedChat {
  readonly prompt: readonly Token[];
  readonly settings: ChatSettings;
  readonly stopTokens: ReadonlySet<Token>;
  readonly grammar: LlamaGrammar | undefined;
  /** No answer has more tokens. */
  readonly longest: number;
}

export interface Listener {
  /** A token was generated. */
  readonly token: () => void;
  /** Text, how many tokens begin in it, and these where log-probabilities were asked for. */
  readonly text: (text: string, tokenCount: number, tokens: readonly TokenLogProbability[] | undefined) => void;
}

/** Generates until the model ends, a stop string or token appears, or the longest answer is reached. */
export async function generateAnswer(
  engine: Engine,
  sequence: LlamaContextSequence,
  chat: PreparedChat,
  { rest, kept, mark }: EvaluatedPrompt,
  signal: AbortSignal,
  told: Listener,
): Promise<Omit<WorkResults['chat'], 'timings'>> {
  const { prompt, settings, stopTokens, longest } = chat;
  const answer = new TokenText<Token>((tokens, before) => engine.model.detokenize(tokens, false, before), prompt);
  const scanner = new StopScanner(settings.stop);
  const isAsked = settings.logProbabilities !== undefined;
  const pieces = new TokenPieces<TokenLogProbability | undefined>();
  const pass = (text: string): void => {
    const tokens = pieces.take(text);
    told.text(text, tokens.length, isAsked ? tokens.filter((one) => one !== undefined) : undefined);
  };
  let outputTokens = 0;
  let finishReason: FinishReason = 'stop';
  for await (const next of sequence.evaluateWithMetadata([...rest], asked(settings), { ...samplingOf(engine, chat), ...mark })) {
    if (stopTokens.has(next.token)) break;
    outputTokens += 1;
    told.token();
    const decoded = answer.push(next.token);
    pieces.add(isAsked ? tokenLogProbability(engine.model, next, settings) : undefined, decoded);
    const { text, stopped } = scanner.push(decoded);
    pass(text);
    signal.throwIfAborted();
    if (stopped) return { finishReason, usage: usageOf(prompt.length, kept, outputTokens) };
    if (outputTokens >= longest) {
      finishReason = 'length';
      break;
    }
  }
  const last = scanner.push(answer.flush());
  pass(last.stopped ? last.text : last.text + scanner.flush());
  return { finishReason: last.stopped ? 'stop' : finishReason, usage: usageOf(prompt.length, kept, outputTokens) };
}

/** The chosen token's probability comes at the cost of a sort, those of others as a list of the whole vocabulary (milliseconds a token). */
function asked({ logProbabilities }: ChatSettings): { readonly [K in keyof Likelihoods]: boolean } {
  return { confidence: logProbabilities !== undefined, probabilities: logProbabilities !== undefined && logProbabilities > 0 };
}

interface Sampling {
  readonly temperature: number;
  readonly topP: number;
  readonly topK: number;
  readonly minP: number;
  readonly seed?: number;
  readonly grammarEvaluationState?: LlamaGrammarEvaluationState;
}

/** What nobody asked for is off: the vendor would take the 40 likeliest tokens, and of these 95 % of the probability. */
function samplingOf(engine: Engine, { settings, grammar }: PreparedChat): Sampling {
  const { temperature, topP = 1, topK = 0, minP = 0, seed } = settings;
  return {
    temperature,
    topP,
    topK,
    minP,
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
