import { seededRandom } from '../../../src/inference/scripted/seeded-random.ts';
import type { ChatOptions, ChatTurn, JsonSchema, TokenLogProbability } from '../../../src/inference/model.ts';

/**
 * A language model that anybody can compute: what it says follows from its prompt, so tests know what a back end has to bring. Of the last user turn:
 *
 * | prompt | answer |
 * |---|---|
 * | `Say exactly: …` | what stands behind it |
 * | `Count to 40` | `one two three four five one two …`, so many words |
 * | anything at temperature 0 | words that its letters choose |
 * | anything above it | words that the seed draws |
 *
 * With a JSON Schema, given or told in the prompt, it is the smallest value that fits; of several allowed texts the one that the prompt speaks of most.
 * A token is at most 4 UTF-16 units and never half a character; a special token is one only where the model itself writes it.
 */
export interface ToyAnswer {
  readonly tokens: readonly string[];
  /** Whether `maxTokens` has cut it off. */
  readonly isCut: boolean;
}

const words = ['one', 'two', 'three', 'four', 'five'] as const;
const answerWords = 8;

/** The tokens of a text. */
export function toyTokens(text: string): readonly string[] {
  const tokens: string[] = [];
  for (const character of text) {
    const last = tokens.at(-1);
    const joins = last !== undefined && character !== ' ' && last.length + character.length <= 4;
    if (joins) tokens[tokens.length - 1] = last + character;
    else tokens.push(character);
  }
  return tokens;
}

/** Tokens of a prompt: those of its texts, and 2 a turn for who speaks. */
export const countToyTokens = (turns: readonly ChatTurn[]): number =>
  turns.reduce((sum, { content }) => sum + 2 + toyTokens(content).length, 0);

export type ToyOptions = Omit<ChatOptions, 'stopTokens'>;

/** The whole answer to a prompt. */
export function toyAnswer(turns: readonly ChatTurn[], options: ToyOptions): ToyAnswer {
  const { maxTokens = 512, stop = [] } = options;
  const said = saidTo(turns.at(-1)?.content ?? '', turns, options);
  const ends = stop.map((one) => said.indexOf(one)).filter((at) => at >= 0);
  const tokens = toyTokens(said.slice(0, Math.min(said.length, ...ends)));
  return { tokens: tokens.slice(0, maxTokens), isCut: tokens.length > maxTokens };
}

function saidTo(last: string, turns: readonly ChatTurn[], options: ToyOptions): string {
  const schema = options.jsonSchema ?? schemaIn(last);
  if (schema !== undefined) return JSON.stringify(toyValue(schema, last));
  const exact = /Say exactly: ([\s\S]*)$/.exec(last)?.[1];
  if (exact !== undefined) return exact;
  const count = /Count to (\d+)/.exec(last)?.[1];
  if (count !== undefined) return Array.from({ length: Number(count) }, (_, index) => words[index % words.length] ?? '').join(' ');
  const { temperature = 0, topP = 1, topK = Infinity, minP = 0, seed = Math.floor(Math.random() * 1e9) } = options;
  const isDrawn = temperature > 0 && topK > 1 && minP < 1 && topP > 0.01;
  const random = seededRandom(isDrawn ? seed : 0, isDrawn ? '' : JSON.stringify(turns));
  return Array.from({ length: answerWords }, () => words[Math.floor(random() * words.length)] ?? '').join(' ');
}

function schemaIn(prompt: string): JsonSchema | undefined {
  const told = /obey this JSON Schema:\n(.*)$/m.exec(prompt)?.[1];
  return told === undefined ? undefined : (JSON.parse(told) as JsonSchema);
}

/** The smallest value that fits a schema; of several texts the one that the prompt speaks of most. */
function toyValue(schema: JsonSchema, prompt: string): unknown {
  const { const: only, enum: allowed, type, properties, items, anyOf, minimum = 0, minItems = 0, minLength = 1 } = schema;
  if ('const' in schema) return only;
  if (Array.isArray(allowed)) return mostSpokenOf(allowed.map(String), prompt);
  if (Array.isArray(anyOf)) return toyValue(anyOf[0] as JsonSchema, prompt);
  switch (type) {
    case 'object':
      return Object.fromEntries(
        Object.entries((properties ?? {}) as Readonly<Record<string, JsonSchema>>).map(([name, one]) => [name, toyValue(one, prompt)]),
      );
    case 'array':
      return Array.from({ length: Number(minItems) }, () => toyValue((items ?? {}) as JsonSchema, prompt));
    case 'number':
    case 'integer':
      return Number(minimum);
    case 'boolean':
      return true;
    case 'string':
      return 'x'.repeat(Number(minLength));
    default:
      return null;
  }
}

const timesIn = (prompt: string, word: string): number => prompt.split(word).length - 1;

const mostSpokenOf = (allowed: readonly string[], prompt: string): string =>
  allowed.toSorted((a, b) => timesIn(prompt, b) - timesIn(prompt, a))[0] ?? '';

/** How likely it begins its answer with each label: e times as likely for each time that the prompt speaks of it. */
export function toyLabels(turns: readonly ChatTurn[], labels: readonly string[]): readonly number[] {
  const prompt = turns.map(({ content }) => content).join('\n');
  const scores = labels.map((label) => timesIn(prompt, label.trim()));
  const whole = Math.log(scores.reduce((sum, score) => sum + Math.exp(score), 0));
  return scores.map((score) => score - whole);
}

/** What it tells of a token: certain by half, and so many others, each half as likely as the one before. */
export function toyLogProbability(token: string, alternatives: number): TokenLogProbability {
  const logProbability = Math.log(0.5);
  const others = words.map((word, index) => ({ token: word, logProbability: Math.log(0.5) * (index + 2) }));
  return { token, logProbability, top: [{ token, logProbability }, ...others].slice(0, alternatives) };
}

/** A vector that says which letters a text has, of no particular length. */
export function toyVector(text: string): readonly number[] {
  const vector = Array.from({ length: 32 }, () => 1);
  for (const character of text) {
    const at = (character.codePointAt(0) ?? 0) % vector.length;
    vector[at] = (vector[at] ?? 0) + 1;
  }
  return vector;
}

/** How many words of the query a document has. */
export const toyScore = (query: string, document: string): number => query.split(/\s+/).filter((word) => document.includes(word)).length;
