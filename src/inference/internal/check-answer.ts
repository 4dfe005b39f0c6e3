import type { StandardSchemaV1 } from '@standard-schema/spec';
import { InferenceError, messageOf } from '../../errors.ts';
import { describeIssues, describePaths } from '../../standard-schema.ts';
import type { Reply } from './collect.ts';

/** Why an answer does not fit: in words for the model, and as the error if nothing more is tried. */
export interface Misfit {
  /** May quote the answer: for the model only, never for logs. */
  readonly words: string;
  /** @param repairs how often it was asked for again. */
  error(repairs: number): InferenceError;
}

type Checked = { readonly value: unknown } | Misfit;

/** Parses and validates an answer; a promise only where the schema validates asynchronously. Never throws. */
export function checkAnswer(reply: Reply, schema: StandardSchemaV1, maxTokens: number): Checked | Promise<Checked> {
  // even when what is there parses: "12" may be the beginning of "123"
  if (reply.finishReason === 'length') {
    const limit = `it was cut off after ${String(maxTokens)} tokens`;
    return misfit(
      'answer_truncated',
      `${limit}; answer more briefly.`,
      `expected a whole answer, but ${limit}; raise maxTokens, or bound the schema's strings and lists`,
    );
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(unfenced(reply.text));
  } catch (error) {
    // the parser's message quotes the answer, so it goes to the model and nowhere else
    return misfit(
      'answer_invalid',
      `it is not JSON (${messageOf(error)}).`,
      `expected JSON, got ${String(reply.text.length)} characters that are not`,
    );
  }
  return validated(schema, parsed);
}

function validated(schema: StandardSchemaV1, parsed: unknown): Checked | Promise<Checked> {
  const judge = (result: StandardSchemaV1.Result<unknown>): Checked => {
    if (result.issues === undefined) return { value: result.value };
    return misfit(
      'answer_invalid',
      `${describeIssues(result.issues)}.`,
      `expected an answer that fits the schema, but it does not at ${describePaths(result.issues)}`,
    );
  };
  const threw = (error: unknown): Checked =>
    misfit(
      'answer_invalid',
      'the check of its content failed.',
      `expected the schema to judge the answer, but its validator threw ${nameOf(error)}`,
      error,
    );
  try {
    const result = schema['~standard'].validate(parsed);
    // any thenable: one taken for a result would pass as a success without a value
    return 'then' in result ? Promise.resolve(result).then(judge).catch(threw) : judge(result);
  } catch (error) {
    return threw(error);
  }
}

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : `a ${typeof error}`);

const misfit = (code: 'answer_invalid' | 'answer_truncated', words: string, message: string, cause?: unknown): Misfit => ({
  words,
  error: (repairs) =>
    new InferenceError(code, repairs === 0 ? message : `${message} (after ${String(repairs)} repair${repairs === 1 ? '' : 's'})`, {
      cause,
    }),
});

/** Models that nothing constrains like to wrap JSON in a fence, whatever they were asked. */
function unfenced(text: string): string {
  const fence = /^\s*```(?:json)?\s*\n([\s\S]*?)\n?\s*```\s*$/i.exec(text);
  return fence?.[1] ?? text;
}
