import { InferenceError, type TokenBudget } from 'millrace';
import type { SpendLimit } from './spend-limit.state.ts';

export interface SpendBudgetOptions {
  readonly spend: SpendLimit;
  /** An answer that does not fit is asked for so many times more within one attempt. */
  readonly repairs: number;
  /** Told what an attempt has used, whatever came of it: an answer that cannot be used is paid for, too. */
  readonly onUsed: (used: Used) => void;
  /** Told of the first that does not fit, before it fails. */
  readonly onSpent: () => void;
}

/** A repair shows the answer that could not be used, and says what is wrong with it: 2,000 characters of that at most. */
const wordsOfRepair = 560;

type Acquire = TokenBudget['acquire'];
type Share = ReturnType<Acquire>;

interface Used {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** What does not fit into the run's budget any more; no other attempt would. */
export class BudgetSpent extends InferenceError {
  constructor() {
    super('model_unavailable', 'the token budget of this run is spent');
  }
}

/**
 * The run's limit as a budget of `withinBudget`: each attempt reserves the most it can take, and is corrected to what it has used. An attempt of which nothing came (429, a broken connection) has used nothing, as far as anybody
 * knows. Holds nothing; what does not fit fails at once.
 */
export function spendBudget({ spend, repairs, onUsed, onSpent }: SpendBudgetOptions): Pick<TokenBudget, 'acquire'> {
  const acquire: Acquire = (request) => {
    const { tokens } = request;
    const [inputTokens, outputTokens] = typeof tokens === 'number' ? [tokens, 0] : [tokens.inputTokens, tokens.outputTokens];
    const most = inputTokens + outputTokens + repairs * (inputTokens + outputTokens + outputTokens + wordsOfRepair);
    if (!spend.reserve(most)) {
      onSpent();
      throw new BudgetSpent();
    }
    let isOver = false;
    const end = (input: number, output: number): void => {
      if (isOver) return;
      isOver = true;
      spend.settle(most, input + output);
      onUsed({ inputTokens: input, outputTokens: output });
    };
    const share: Share = {
      granted: true,
      settle: (used) => {
        end(...apart(used));
      },
      settleReceived: (received, before) => {
        const [input, output] = apart(before);
        end(input + (received > 0 ? inputTokens : 0), output + received);
      },
      cancel: () => {
        end(0, 0);
      },
      observe: () => undefined,
    };
    request.granted(share);
    return share;
  };
  return { acquire };
}

function apart(used: Parameters<Share['settle']>[0]): readonly [input: number, output: number] {
  if (used === undefined) return [0, 0];
  return typeof used === 'number' ? [used, 0] : [used.inputTokens, used.outputTokens];
}
