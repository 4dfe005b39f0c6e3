import type { Desk } from './desk.ts';
import type { Evidence, Pair } from './findings.ts';
import type { SeedOrder } from './order.ts';
import { writePrompt } from './prompts.ts';
import { evidenceOf } from './select-trajectories.ts';
import type { Step } from './step.ts';

const longest = { question: 400, answer: 200 } as const;

/** What a model writes; the schema has made sure that it has this shape. */
interface Written {
  readonly question: string;
  readonly answer: string;
  readonly evidence: readonly number[];
}

/**
 * Has the model write a question and its answer from what was found on a way. The evidence of the pair is what it names.
 * @throws QuestionError
 */
export async function writePair(steps: readonly Step[], order: SeedOrder, desk: Desk): Promise<Pair> {
  const evidence = evidenceOf(steps);
  const { value } = await desk.ask(
    'write',
    writePrompt(order, evidence, desk.chance),
    pairSchema(evidence.length, answersIn(order, evidence)),
  );
  const { question, answer, evidence: named } = value as Written;
  const cited = [...new Set(named)].sort((a, b) => a - b).flatMap((number) => evidence[number - 1] ?? []);
  return { question: question.trim(), answer: answer.trim(), evidence: cited.map(asPairEvidence) };
}

const asPairEvidence = ({ id, tool, input, text, source }: Step): Evidence => ({
  step: id,
  tool,
  input,
  text,
  ...(source === undefined ? {} : { source }),
});

/** In mathematics the answer is one of the results: a model that is free to write it writes a sentence, or rounds. Undefined: whatever it is. */
function answersIn({ mode }: SeedOrder, evidence: readonly Step[]): readonly string[] | undefined {
  if (mode !== 'math' || evidence.some(({ tool }) => tool !== 'calculator')) return undefined;
  return [...new Set(evidence.map(({ text }) => text.trim()))];
}

const pairSchema = (count: number, answers: readonly string[] | undefined): Readonly<Record<string, unknown>> => ({
  type: 'object',
  properties: {
    question: { type: 'string', minLength: 8, maxLength: longest.question },
    answer: answers === undefined ? { type: 'string', minLength: 1, maxLength: longest.answer } : { type: 'string', enum: answers },
    evidence: { type: 'array', items: { type: 'integer', minimum: 1, maximum: count }, minItems: 1, maxItems: count },
  },
  required: ['question', 'answer', 'evidence'],
  additionalProperties: false,
});
