import type { ControlledEvaluateInputItem, LlamaContextSequence, Token } from 'node-llama-cpp';
import { InferenceError } from '../../../errors.ts';
import type { WorkResults } from '../protocol.ts';
import type { Engine } from './engine.ts';
import type { EvaluatedPrompt } from './evaluate-prompt.ts';
import { usageOf } from './generate-answer.ts';
import type { StepMark } from './step-items.ts';
import { logOf } from './token-log-probability.ts';

/** The tokens by which labels are told apart, and how much of them is scored. */
export interface LabelTokens {
  readonly labels: readonly (readonly Token[])[];
  /** Tokens that are evaluated beside the prompt, at most. */
  readonly extraTokens: number;
  /** Whether a label's first token alone tells it from all others. */
  readonly distinct: boolean;
}

/** Labels as the model would begin its answer with them, never as special tokens. */
export function labelTokens(engine: Engine, labels: readonly string[]): LabelTokens {
  const tokens = labels.map((label) => {
    const own = engine.model.tokenize(label, false);
    if (own.length === 0) throw new InferenceError('model_rejected', `expected labels that have tokens, got ${JSON.stringify(label)}`);
    return own;
  });
  const distinct = new Set(tokens.map(([first]) => first)).size === tokens.length;
  // where one label begins another, the end of the answer tells them apart
  const end = tokens.some((one) => tokens.some((other) => other !== one && startsWith(other, one)))
    ? (engine.model.tokens.eot ?? engine.model.tokens.eos)
    : null;
  const scored = distinct || end === null ? tokens : tokens.map((one) => [...one, end]);
  return { labels: scored, distinct, extraTokens: distinct ? 0 : Math.max(...scored.map((one) => one.length)) };
}

const startsWith = (tokens: readonly Token[], beginning: readonly Token[]): boolean =>
  beginning.every((token, index) => tokens[index] === token);

/**
 * The log-probability that the answer begins with each label: of its first token, in one pass for all labels, where these
 * differ; else of the whole label, with a short pass for each.
 */
export async function scoreLabels(
  sequence: LlamaContextSequence,
  prompt: readonly Token[],
  { labels, distinct }: LabelTokens,
  { rest, kept, mark }: EvaluatedPrompt,
  signal: AbortSignal,
): Promise<WorkResults['labels']> {
  if (rest.length > 1) await sequence.evaluateWithoutGeneratingNewTokens(rest.slice(0, -1), mark);
  const [first] = await probabilities(sequence, rest.slice(-1), mark); // of all others they would be a list of the vocabulary each
  const scores: number[] = [];
  let extra = 0;
  for (const label of labels) {
    let score = logOf(probabilityOf(first, label[0]));
    if (!distinct && label.length > 1) {
      signal.throwIfAborted();
      const following = await probabilities(sequence, label.slice(0, -1), mark);
      extra += label.length - 1;
      await sequence.adaptStateToTokens([...prompt], false);
      score += label.slice(1).reduce((sum, token, index) => sum + logOf(probabilityOf(following[index], token)), 0);
    }
    scores.push(score);
  }
  return { logProbabilities: scores, usage: usageOf(prompt.length + extra, kept, 0) };
}

type Probabilities = ReadonlyMap<Token, number> | undefined;

/** Evaluates `tokens`; for each, what could follow it, before any sampling rule. */
async function probabilities(sequence: LlamaContextSequence, tokens: readonly Token[], mark: StepMark): Promise<readonly Probabilities[]> {
  const input = tokens.map((token): ControlledEvaluateInputItem => [token, { generateNext: { probabilities: true } }]);
  const out = await sequence.controlledEvaluate(input, mark);
  return out.map((one) => one?.next.probabilities);
}

const probabilityOf = (probabilities: Probabilities, token: Token | undefined): number | undefined =>
  token === undefined ? undefined : probabilities?.get(token);
