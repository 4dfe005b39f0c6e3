import { isStreamError } from '../../errors.ts';
import type { FinishReason, TokenLogProbability } from '../model.ts';

/** What a rule judges. */
export type CascadeResult =
  | { readonly call: 'classify'; readonly label: string; readonly confidence: number }
  /** `probability`: the geometric mean over the tokens; only where the option `probability` is given. */
  | { readonly call: 'answer'; readonly value: unknown; readonly probability: number | undefined }
  | {
      readonly call: 'chat' | 'complete';
      readonly text: string;
      readonly finishReason: FinishReason;
      readonly probability: number | undefined;
    };

export interface ResolvedUnsure {
  readonly confidence: number | undefined;
  readonly probability: number | undefined;
  readonly when: ((result: CascadeResult) => boolean) | undefined;
  readonly errors: ReadonlySet<string>;
}

/** Whether the next model is to be asked. @throws what the rule throws. */
export function isUnsure(result: CascadeResult, { confidence = 0, probability = 0, when }: ResolvedUnsure): boolean {
  const isUnlikely = result.call === 'classify' ? result.confidence < confidence : (result.probability ?? 1) < probability;
  return isUnlikely || when?.(result) === true;
}

export const isUnsureError = (error: unknown, { errors }: ResolvedUnsure): boolean => isStreamError(error) && errors.has(error.code);

/** The geometric mean of tokens' probabilities; none are certain. */
export const meanProbability = (tokens: readonly TokenLogProbability[]): number =>
  tokens.length === 0 ? 1 : Math.exp(tokens.reduce((sum, { logProbability }) => sum + logProbability, 0) / tokens.length);
