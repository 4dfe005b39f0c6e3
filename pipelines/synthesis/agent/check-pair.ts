import type { Desk } from './desk.ts';
import type { Check, Checks, Evidence, Pair } from './findings.ts';
import { answerPrompt, comparePrompt, examplePairs } from './prompts.ts';
import { QuestionError } from './question-error.ts';
import { containsAnswer, sameAnswer } from './same-answer.ts';
import { wordsOf } from './words-of.ts';

const longest = { question: 400, answer: 200 } as const;
const pass: Check = { result: 'pass' };
const skipped: Check = { result: 'skipped' };
const fail = (why: string): Check => ({ result: 'fail', why });

export interface CheckOptions {
  /** Whether the question is asked without the evidence, too. */
  readonly closedBook: boolean;
  /** Of the evidence, as much is shown at once. @defaultValue all */
  readonly promptChars?: number;
}

/**
 * Checks a pair: its form; whether its evidence, and nothing else, leads to its answer; whether the question alone does. What is not asked any more, since a check before it failed, is `skipped`. A check that has no answer that can be used
 * fails: what could not be checked is not kept.
 * @throws QuestionError for a question that fails for a reason that is not of its answer.
 */
export async function checkPair(pair: Pair, desk: Desk, { closedBook, promptChars = Infinity }: CheckOptions): Promise<Checks> {
  const schema = checkForm(pair);
  if (schema.result === 'fail') return { schema, answerable: skipped, closed_book: skipped };
  if (isExample(pair)) return { schema, answerable: fail('it is the example that the model was shown'), closed_book: skipped };
  if (containsAnswer(pair.question, pair.answer)) return { schema, answerable: skipped, closed_book: fail('the question says its answer') };
  const answerable = await checked(() => checkAnswerable(pair, desk, promptChars));
  if (answerable.result === 'fail') return { schema, answerable, closed_book: skipped };
  return { schema, answerable, closed_book: closedBook ? await checked(() => checkClosedBook(pair, desk)) : skipped };
}

/** What a pair must be to be one, whoever wrote it. */
function checkForm(pair: unknown): Check {
  if (typeof pair !== 'object' || pair === null) return fail('expected a question, an answer and evidence');
  const { question, answer, evidence } = pair as Readonly<Record<string, unknown>>;
  if (typeof question !== 'string' || question.trim().length < 8 || question.length > longest.question)
    return fail(`expected a question of 8 to ${String(longest.question)} characters`);
  if (!/\p{L}/u.test(question)) return fail('expected a question with words');
  if (typeof answer !== 'string' || answer.trim() === '' || answer.length > longest.answer)
    return fail(`expected an answer of 1 to ${String(longest.answer)} characters`);
  if (!Array.isArray(evidence) || evidence.length === 0) return fail('expected evidence');
  return evidence.every(isEvidence) ? pass : fail('expected evidence with a tool and its text');
}

const isEvidence = (one: unknown): boolean =>
  typeof one === 'object' && one !== null && typeof Reflect.get(one, 'tool') === 'string' && textOf(one) !== '';

const textOf = (one: object): string => {
  const text: unknown = Reflect.get(one, 'text');
  return typeof text === 'string' ? text.trim() : '';
};

async function checked(check: () => Promise<Check>): Promise<Check> {
  try {
    return await check();
  } catch (error) {
    if (error instanceof QuestionError && error.isOfAnswer) return fail(`it could not be checked: ${error.code}`);
    throw error;
  }
}

/** Small models say again what they were shown. */
function isExample({ question }: Pair): boolean {
  const words = wordsOf(question).join(' ');
  return Object.values(examplePairs).some((example) => wordsOf(example.question).join(' ') === words);
}

async function checkAnswerable(pair: Pair, desk: Desk, promptChars: number): Promise<Check> {
  const { known, answer } = await answered(pair.question, desk, pair.evidence, promptChars);
  if (!known) return fail('the evidence does not answer it');
  return (await saysSame(pair.question, pair.answer, answer, desk)) ? pass : fail('the evidence leads to another answer');
}

async function checkClosedBook(pair: Pair, desk: Desk): Promise<Check> {
  const { known, answer } = await answered(pair.question, desk);
  if (!known) return pass;
  return (await saysSame(pair.question, pair.answer, answer, desk)) ? fail('it can be answered without the evidence') : pass;
}

interface Answered {
  readonly known: boolean;
  readonly answer: string;
}

async function answered(question: string, desk: Desk, evidence: readonly Evidence[] = [], promptChars = Infinity): Promise<Answered> {
  const { value } = await desk.ask('answer', answerPrompt(question, evidence, promptChars, desk.chance), answerSchema);
  const { known, answer } = value as Answered;
  return { known: known && answer.trim() !== '', answer };
}

/** Words first; a model only where they do not tell. */
async function saysSame(question: string, one: string, other: string, desk: Desk): Promise<boolean> {
  const plain = sameAnswer(one, other);
  if (plain !== undefined) return plain;
  const { value } = await desk.ask('compare', comparePrompt(question, [one, other], desk.chance), compareSchema);
  return (value as { readonly same: boolean }).same;
}

const answerSchema = {
  type: 'object',
  properties: { known: { type: 'boolean' }, answer: { type: 'string', maxLength: longest.answer } },
  required: ['known', 'answer'],
  additionalProperties: false,
} as const;

const compareSchema = {
  type: 'object',
  properties: { same: { type: 'boolean' } },
  required: ['same'],
  additionalProperties: false,
} as const;
