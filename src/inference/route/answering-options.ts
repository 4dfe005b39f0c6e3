import { type OptionNames, requireFunction, requireMethods, requireObject, requireOptions } from '../../check-options.ts';
import { OptionError, requireInteger, requireNumber, requireOneOf, requireText } from '../../errors.ts';
import type { Resource } from '../../resource.ts';
import type { Model, Prompt } from '../model.ts';
import type { CutSide } from './cut-texts.ts';

/** Cuts the data of a prompt made by `definePrompt`, never its fixed text; marked as `truncated-head` or `truncated-tail`. */
export interface Truncate {
  /** What goes: the beginning of the data, or its end. The longest slots are cut, to the same length. */
  readonly truncate: CutSide;
  /** Least share of the data's characters that has to stay, above 0, at most 1; if less would, this does not help. @defaultValue 0.1 */
  readonly atLeast?: number;
}

/** Shortens the data of a prompt made by `definePrompt` piece by piece, by calls of the same model, one after the other; marked as `summarised`. */
export interface Summarise {
  readonly summarise: {
    /** Longest summary of a piece, in tokens; at least 1. @defaultValue 200 */
    readonly tokens?: number;
    /** Longest piece, in tokens; at least 1. @defaultValue what the model's context has room for; 2,000 where it does not tell that */
    readonly pieceTokens?: number;
    /** Most calls for one record; if more were needed, this does not help. 1 to 1,000. @defaultValue 32 */
    readonly mostCalls?: number;
    /** How to ask for a summary. @defaultValue a prompt of ours, which fences the text */
    readonly prompt?: (text: string) => Prompt;
  };
}

/** Asks another model the same. */
export interface AskOther {
  readonly ask: Resource<Model>;
}

/** Asks for an answer of up to so many tokens; helps where the call asked for fewer. */
export interface AskLonger {
  readonly maxTokens: number;
}

/**
 * Gives this instead of an answer, marked as `skipped`: for `answer` what fits the call's schema as an answer would, for `classify` a label, for `chat` and `complete` a text. If
 * it does not fit, this does not help. `drop` behind the call settles such records as dropped.
 */
export interface Skip {
  readonly skip: unknown;
}

type Some<T> = T | readonly T[];

export interface AnsweringOptions {
  readonly model: Resource<Model>;
  /** The prompt does not fit (`prompt_too_long`). @defaultValue the call fails */
  readonly whenTooLong?: Some<Truncate | Summarise | AskOther | Skip>;
  /** The answer was cut off (`answer_truncated`; a text that ends for its length). @defaultValue the call fails; a text says so at its end */
  readonly whenCut?: Some<AskLonger | AskOther | Skip>;
  /** The model declined, or its provider filtered (`answer_refused`). @defaultValue as for `whenCut` */
  readonly whenRefused?: Some<AskOther | Skip>;
  /** There is no answer in the answer (`answer_empty`). @defaultValue the call fails, and a retry makes it again; a text is empty */
  readonly whenEmpty?: Some<AskOther | Skip>;
  /** Room for prompt and answer, in tokens. @defaultValue what the model tells; where it does not, prompts are shortened step by step */
  readonly contextTokens?: number;
  /** For metrics. @defaultValue 'answering' */
  readonly name?: string;
}

/** What can be the matter with an answer. */
export type Trouble = 'prompt_too_long' | 'answer_truncated' | 'answer_refused' | 'answer_empty';

/** One way out. */
export type Way = Truncate | Summarise | AskOther | AskLonger | Skip;

export interface ResolvedAnswering {
  readonly model: Resource<Model>;
  readonly ways: Readonly<Record<Trouble, readonly Way[]>>;
  /** Beside `model`, each once. */
  readonly others: readonly Resource<Model>[];
  readonly contextTokens: number | undefined;
  readonly name: string;
}

const names: OptionNames<AnsweringOptions> = {
  ...{ model: true, whenTooLong: true, whenCut: true, whenRefused: true, whenEmpty: true },
  ...{ contextTokens: true, name: true },
};
const summariseNames: OptionNames<Summarise['summarise']> = { tokens: true, pieceTokens: true, mostCalls: true, prompt: true };
const kinds = {
  whenTooLong: ['truncate', 'summarise', 'ask', 'skip'],
  whenCut: ['maxTokens', 'ask', 'skip'],
  whenRefused: ['ask', 'skip'],
  whenEmpty: ['ask', 'skip'],
} as const;
const mostWays = 10;

/** @throws OptionError */
export function resolveAnswering(options: AnsweringOptions): ResolvedAnswering {
  requireOptions('answering', options, names);
  const { model, contextTokens, name = 'answering' } = options;
  requireMethods('answering.model', model, ['open'], 'a model as a resource, as llama({ … }) is');
  if (contextTokens !== undefined) requireInteger('answering.contextTokens', contextTokens, 1);
  requireText('answering.name', name);
  const of = (when: keyof typeof kinds): readonly Way[] => waysOf(when, options[when] ?? []);
  const ways = {
    prompt_too_long: of('whenTooLong'),
    answer_truncated: of('whenCut'),
    answer_refused: of('whenRefused'),
    answer_empty: of('whenEmpty'),
  };
  const all = Object.values(ways).flat();
  if (all.length === 0)
    throw new OptionError('answering needs one of whenTooLong, whenCut, whenRefused and whenEmpty: without them use the model itself');
  const others = [...new Set(all.flatMap((way) => ('ask' in way ? [way.ask] : [])))];
  if (others.includes(model)) throw new OptionError('answering: ask names a model other than the one that was asked');
  return { model, ways, others, contextTokens, name };
}

function waysOf(when: keyof typeof kinds, given: Some<Way>): readonly Way[] {
  const ways = Array.isArray(given) ? (given as readonly Way[]) : [given as Way];
  if (ways.length > mostWays) throw new OptionError(`answering.${when} must be at most ${String(mostWays)}, got ${String(ways.length)}`);
  for (const [index, way] of ways.entries())
    requireWay(`answering.${when}${Array.isArray(given) ? `[${String(index)}]` : ''}`, way, kinds[when]);
  return ways;
}

function requireWay(at: string, way: Way, allowed: readonly string[]): void {
  requireObject(at, way);
  const kind = allowed.filter((one) => one in way);
  if (kind.length !== 1)
    throw new OptionError(`${at} must have one of ${allowed.join(', ')}, got ${Object.keys(way).join(', ') || 'nothing'}`);
  const own = { [String(kind[0])]: true, ...('truncate' in way ? { atLeast: true } : {}) };
  requireOptions(at, way as object, own);
  if ('truncate' in way) {
    requireOneOf(`${at}.truncate`, way.truncate, ['head', 'tail']);
    if (way.atLeast !== undefined) requireNumber(`${at}.atLeast`, way.atLeast, Number.MIN_VALUE, 1);
  } else if ('ask' in way) requireMethods(`${at}.ask`, way.ask, ['open'], 'a model as a resource, as llama({ … }) is');
  else if ('maxTokens' in way) requireInteger(`${at}.maxTokens`, way.maxTokens, 1, 1_000_000);
  else if ('summarise' in way) requireSummarise(`${at}.summarise`, way.summarise);
}

function requireSummarise(at: string, given: Summarise['summarise']): void {
  requireOptions(at, given, summariseNames);
  const { tokens, pieceTokens, mostCalls, prompt } = given;
  if (tokens !== undefined) requireInteger(`${at}.tokens`, tokens, 1);
  if (pieceTokens !== undefined) requireInteger(`${at}.pieceTokens`, pieceTokens, 1);
  if (mostCalls !== undefined) requireInteger(`${at}.mostCalls`, mostCalls, 1, 1_000);
  if (prompt !== undefined) requireFunction(`${at}.prompt`, prompt, '(text) => prompt');
}
