import type { BatchItem, CustomBatchingPrioritizationStrategy, EvaluationPriority, PrioritizedBatchItem } from 'node-llama-cpp';

/**
 * Says of what is evaluated in which sequence it is. What the vendor tells of the items of a step does not, but for their priority, which
 * nothing else looks at once {@link stepsOf} decides.
 */
export interface StepMark {
  readonly evaluationPriority: EvaluationPriority;
}

/** Above the vendor's own, which are 1 to 5. */
const firstMark = 16;

/** @param sequence its number in the context, counted from 0 */
export const stepMark = (sequence: number): StepMark => ({ evaluationPriority: (firstMark + sequence) as EvaluationPriority });

/**
 * Decides what of that which waits is evaluated in the next step, and in which order: at most `size` tokens, short before long,
 * neighbouring sequences side by side.
 *
 * The order is not a matter of taste. llama.cpp computes those together whose sequences follow each other (0, 1, 2), and so evaluates a step
 * whose items come as they please in up to as many parts as it has items. And where the last tokens of the items do not come out
 * in the order in which they were put in, it puts their results in order when somebody first looks at one: the vendor looks from several
 * threads at once, which then swap what others have swapped, and answers get tokens of other answers. Short before long, and among equals
 * by sequence, they come out in order.
 *
 * @param apart Pieces of prompts have steps of their own, in turns with those that generate: nothing cuts them in two, and so they are
 * computed the same way beside other calls and alone. It costs nothing on a CPU; a GPU would be left half idle.
 */
export function stepsOf(apart: boolean): CustomBatchingPrioritizationStrategy {
  let wasPiece = false;
  return ({ items, size }) => {
    // several results of one item would have to come out side by side, and of what is not ours the place is unknown
    const alone = items.find((item) => item.evaluationPriority < firstMark || item.logits.filter((wanted) => wanted === true).length > 1);
    if (alone) return ordered([alone], size);
    if (!apart) return ordered(items, size);
    const pieces = items.filter(({ tokens }) => tokens.length > 1);
    wasPiece = pieces.length > 0 && (!wasPiece || pieces.length === items.length);
    return ordered(wasPiece ? pieces.slice(0, 1) : items.filter(({ tokens }) => tokens.length === 1), size);
  };
}

function ordered(items: readonly BatchItem[], size: number): PrioritizedBatchItem[] {
  const order = items.toSorted((a, b) => a.tokens.length - b.tokens.length || a.evaluationPriority - b.evaluationPriority);
  const step: PrioritizedBatchItem[] = [];
  let left = size;
  for (const item of order) {
    if (left === 0) break;
    const processAmount = Math.min(item.tokens.length, left);
    step.push({ item, processAmount });
    left -= processAmount;
  }
  return step;
}
