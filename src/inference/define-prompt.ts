import { type OptionNames, requireOptions } from '../check-options.ts';
import { InferenceError, OptionError, requireOneOf, requireText } from '../errors.ts';
import { aboutFences, fenced, fenceOf, sha256 } from './internal/fence.ts';
import { slotsOf } from './internal/slots-of.ts';
import type { ChatTurn, PreparedPrompt } from './model.ts';

/** Fixed text, or a data slot: what of the data stands there. */
export type PromptPart<T> = string | ((data: T) => string);

/** Data, and how to answer it. */
export interface PromptExample<T> {
  readonly data: T;
  readonly answer: string;
}

export interface PromptSpec<T> {
  /** In output headers: letters, digits, `.`, `_` and `-`, 100 at most. */
  readonly name: string;
  /** As `name`; raise it when the prompt changes. What changes without a new version is seen by the hash. */
  readonly version: string;
  /** @defaultValue none */
  readonly system?: string;
  /** Shown as turns before the data, in the same form; up to 100. @defaultValue none */
  readonly examples?: readonly PromptExample<T>[];
  /** The user's turn, part by part, each on lines of its own. Fixed text first: what prompts begin with is evaluated once. */
  readonly user: readonly PromptPart<T>[];
  /**
   * What the answer begins with, as a turn of its own: a small model goes on better than it obeys. @defaultValue none
   */
  readonly begun?: string;
  /**
   * How data stands in the prompt. `'fenced'`: between marks that it cannot contain, with markers of chat templates made harmless, and the model is told what that means
   * (30 tokens, and about 40 a slot). `'bare'`: as it is, for models too small to make sense of marks, and data that nobody else writes. @defaultValue 'fenced'
   */
  readonly slots?: 'fenced' | 'bare';
}

const names: OptionNames<PromptSpec<never>> = {
  name: true,
  version: true,
  system: true,
  examples: true,
  user: true,
  begun: true,
  slots: true,
};
const mostExamples = 100;
const mostParts = 100;
const word = /^[\w.-]{1,100}$/;
const hashDigits = 12;

/**
 * A prompt as a value: fixed text with slots for data. Use it where records' text goes into prompts, and where outputs should say which prompt made them.
 *
 * In: one value a call. Out: a prompt for any model, the same for the same value, with its name, version and hash, which outputs and dead letters bear in the header
 * `millrace-prompt`. A slot's text cannot end its slot: the mark around it is derived from prompt and data, and never contained in them.
 * Holds its fixed text.
 * A slot that gives no string fails the call with `model_rejected`; what it throws itself passes on.
 * @throws OptionError for options out of range, and for examples whose data does not fit the slots.
 * @see Hines and others, Defending Against Indirect Prompt Injection Attacks With Spotlighting. No mark makes a model safe: give it no right that a record's author should not have.
 */
export function definePrompt<T>(spec: PromptSpec<T>): (data: T) => PreparedPrompt {
  const { name, version, system = '', examples = [], user, begun, slots = 'fenced' } = checked(spec);
  const isFenced = slots === 'fenced' && user.some((part) => typeof part === 'function');
  const fixed = user.map((part) => (typeof part === 'string' ? ['text', part] : ['slot']));
  const rules = [system, isFenced ? aboutFences : ''].filter((text) => text !== '').join('\n\n');

  /** The user's turn with these texts in its slots. */
  const filled = (texts: readonly string[], hash: string): ChatTurn => {
    const fence = isFenced ? fenceOf(hash, texts) : '';
    const left = [...texts];
    const lines = user.map((part) => {
      if (typeof part === 'string') return part;
      const text = left.shift() ?? '';
      return isFenced ? fenced(text, fence) : text;
    });
    return { role: 'user', content: lines.join('\n') };
  };
  const textsOf = (data: T): readonly string[] =>
    user.flatMap((part, at) => (typeof part === 'string' ? [] : [textOf(name, at, part(data))]));

  const shown = examples.map(({ data, answer }) => ({ texts: exampleTexts(name, () => textsOf(data)), answer }));
  const hash = sha256([JSON.stringify([rules, fixed, shown, begun ?? null, slots])]).slice(0, hashDigits);
  const before: readonly ChatTurn[] = [
    ...(rules === '' ? [] : [{ role: 'system', content: rules } as const]),
    ...shown.flatMap(({ texts, answer }): readonly ChatTurn[] => [filled(texts, hash), { role: 'assistant', content: answer }]),
  ];
  const after: readonly ChatTurn[] = begun === undefined ? [] : [{ role: 'assistant', content: begun }];
  const prepared = (texts: readonly string[]): PreparedPrompt => {
    const prompt = { name, version, hash, turns: [...before, filled(texts, hash), ...after] };
    slotsOf.set(prompt, { texts, refilled: prepared });
    return prompt;
  };
  return (data) => prepared(textsOf(data));
}

function textOf(name: string, at: number, text: unknown): string {
  if (typeof text === 'string') return text;
  const got = text === null ? 'null' : typeof text;
  throw new InferenceError(
    'model_rejected',
    `part ${String(at)} of prompt ${name} must give a string, got ${got}: JSON.stringify makes one of data`,
  );
}

function exampleTexts(name: string, texts: () => readonly string[]): readonly string[] {
  try {
    return texts();
  } catch (cause) {
    throw new OptionError(`an example of prompt ${name} does not fit its slots`, { cause });
  }
}

function checked<T>(spec: PromptSpec<T>): PromptSpec<T> {
  requireOptions('definePrompt', spec, names as OptionNames<PromptSpec<T>>);
  const { name, version, system, examples = [], user, begun, slots = 'fenced' } = spec;
  requireWord('name', name);
  requireWord('version', version);
  if (system !== undefined) requireText('definePrompt.system', system);
  if (begun !== undefined) requireText('definePrompt.begun', begun);
  requireOneOf('definePrompt.slots', slots, ['fenced', 'bare']);
  const isPart = (part: unknown): boolean => typeof part === 'string' || typeof part === 'function';
  if (!Array.isArray(user) || user.length === 0 || user.length > mostParts || !user.every(isPart))
    throw new OptionError(`definePrompt.user must be 1 to ${String(mostParts)} parts: text, or functions (data) => text`);
  const isExample = (one: unknown): boolean => typeof (one as { answer?: unknown } | null)?.answer === 'string';
  if (!Array.isArray(examples) || examples.length > mostExamples || !examples.every(isExample))
    throw new OptionError(`definePrompt.examples must be up to ${String(mostExamples)} of { data, answer: string }`);
  return spec;
}

function requireWord(option: string, value: unknown): void {
  if (typeof value === 'string' && word.test(value)) return;
  throw new OptionError(
    `definePrompt.${option} must be 1 to 100 letters, digits, '.', '_' or '-', got ${typeof value === 'string' ? JSON.stringify(value) : typeof value}`,
  );
}
