import { classify, telling } from '../../classify.ts';
import { isAbortError, isRetryable, isStreamError } from '../../errors.ts';
import { retryAfterOf } from '../../retry-after.ts';
import type { TurnEnd } from './member.state.ts';
import { isUnable } from './verdict.ts';

/** They lie with who calls, or with all of the pipeline. */
const ours: readonly string[] = ['invalid_option', 'pipeline_stopped', 'fenced'];
const isOurs = (error: unknown): boolean => isStreamError(error) && ours.includes(error.code);

/** Whether another model may do better: its service failed, or it cannot do this. What lies with the record fails anywhere. */
export function movesOn(error: unknown): boolean {
  if (isAbortError(error) || isOurs(error)) return false;
  const grade = classify(error);
  return isRetryable(grade) || grade === 'pipeline' || isUnable(error);
}

export interface EndRules {
  /** From 0 up to 1. */
  readonly random: () => number;
  readonly nowMs: number;
  /** For what a person has to mend. */
  readonly brokenMs: number;
}

/** What a call's error tells of the model. */
export function endOf(error: unknown, { random, nowMs, brokenMs }: EndRules): TurnEnd {
  if (isAbortError(error) || isOurs(error) || isUnable(error)) return { end: 'left' };
  const grade = classify(error);
  if (grade === 'record' || isAnswer(error)) return isAnswer(error) ? { end: 'succeeded' } : { end: 'left' };
  const isFinal = grade === 'overload' || grade === 'pipeline';
  const askedMs = retryAfterOf(telling(error), nowMs) ?? 0;
  // on top of what was asked for, since others were told the same moment
  const retryAfterMs = grade === 'pipeline' ? brokenMs : askedMs * (1 + random() / 10);
  return { end: 'failed', isFinal, random: random(), retryAfterMs, ...(grade === 'pipeline' ? { needsPerson: error } : {}) };
}

/** It is there, whatever it says. */
const isAnswer = (error: unknown): boolean => isStreamError(error) && (error.code.startsWith('answer_') || error.code === 'model_rejected');
