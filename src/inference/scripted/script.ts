import { InferenceError } from '../../errors.ts';
import type { ChatOptions, ChatTurn, FinishReason, ToolCall } from '../model.ts';
import type { ScriptedFault } from './fault.ts';

/** One call, as the script sees it. */
export interface ScriptedCall {
  readonly turns: readonly ChatTurn[];
  /** The turns as one text: of a single user turn its content. */
  readonly text: string;
  /** 1 for the first call with this prompt, 2 for the next. */
  readonly nth: number;
  readonly options: ChatOptions;
  /** When it began, by its clock: milliseconds since 1970. */
  readonly nowMs: number;
  /** 0 to 1; depends on the seed, the prompt and `nth` alone. */
  readonly random: () => number;
}

/** What the model says: text, or text with circumstances, which go before the options'. */
export type ScriptedSaying =
  | string
  | {
      readonly text?: string;
      /** Told after the text, where the call gives tools; arguments come in pieces. */
      readonly toolCalls?: readonly ToolCall[];
      readonly latencyMs?: number;
      readonly finishReason?: FinishReason;
      readonly fault?: ScriptedFault;
    };

/** The first rule that holds answers; its sayings in order of the calls with one prompt, the last for all further ones. */
export interface ScriptedRule {
  /** The whole prompt, or a pattern in it. */
  readonly prompt: string | RegExp;
  readonly says: ScriptedSaying | readonly ScriptedSaying[];
}

/** One saying for all, rules by prompt, or a function. */
export type Script = string | readonly ScriptedRule[] | ((call: ScriptedCall) => ScriptedSaying);

/** A saying in its long form. */
export type Circumstances = Exclude<ScriptedSaying, string>;

/** What the script says to a call. @throws InferenceError `model_rejected` where it says nothing. */
export function sayingFor(script: Script, call: ScriptedCall): Circumstances {
  const found = typeof script === 'string' ? script : typeof script === 'function' ? script(call) : byRule(script, call);
  return typeof found === 'string' ? { text: found } : found;
}

function byRule(rules: readonly ScriptedRule[], { text, nth }: ScriptedCall): ScriptedSaying {
  const rule = rules.find(({ prompt }) => (typeof prompt === 'string' ? prompt === text : text.search(prompt) >= 0));
  if (rule === undefined)
    throw new InferenceError(
      'model_rejected',
      `expected a prompt that the script has a rule for, got one of ${String(text.length)} characters without`,
    );
  const { says } = rule;
  const all = isList(says) ? says : [says];
  const saying = all[Math.min(nth, all.length) - 1];
  if (saying === undefined) throw new InferenceError('model_rejected', 'expected a rule with something to say, got an empty list');
  return saying;
}

const isList = (says: ScriptedRule['says']): says is readonly ScriptedSaying[] => Array.isArray(says);
