import type { ChatTurn } from 'millrace';
import { aboutEvidence, asEvidence, evidenceBoundary, type Tool, type ToolResult } from 'millrace/tools';
import type { Chance } from './chance.ts';
import type { Evidence } from './findings.ts';
import type { SeedOrder } from './order.ts';
import type { Step } from './step.ts';

/** What finds out in which way, in one sentence. */
const aims: Readonly<Record<SeedOrder['mode'], string>> = {
  web: 'Search, then visit what was found, and go on from page to page: look for facts that few people know by heart.',
  math: 'Work out numbers step by step, each from the ones before, such as {"tool": "calculator", "input": {"expression": "3.14 * 5^2"}}.',
  python:
    'Write small programs that compute or simulate something about the topic, and print what they find, such as {"tool": "python_interpreter", "input": {"code": "print(sum(n * n for n in range(10)))"}}.',
};

/** One of each, for models that learn from an example more than from words; one that says it again has written nothing. */
export const examplePairs: Readonly<Record<SeedOrder['mode'], { readonly question: string; readonly answer: string }>> = {
  web: { question: 'In which year was the bridge over the Tay that fell in a storm opened?', answer: '1878' },
  math: { question: 'A hall has 12 rows of 7 seats, and 5 seats are broken. How many can be sat on?', answer: '79' },
  python: { question: 'What is the sum of the squares of the whole numbers below ten?', answer: '285' },
};

/** At least as much of each result, however many there are. */
const leastChars = 200;

/** Texts for one prompt, between marks that none of them can know. */
class Marked {
  readonly #boundary: string;

  constructor(texts: readonly ToolResult[], chance: Chance) {
    this.#boundary = evidenceBoundary(texts, (count) => chance.bytes(count));
  }

  text(result: ToolResult): string {
    return asEvidence(result, this.#boundary);
  }
}

type Shown = Pick<Step, 'tool' | 'input' | 'text' | 'source' | 'isCut'>;

const found = ({ tool, input, text, source, isCut }: Shown, chars: number): ToolResult => {
  const whole = `${tool} ${JSON.stringify(input)}\n${text}`;
  const isTooLong = whole.length > chars;
  return {
    text: isTooLong ? whole.slice(0, chars).toWellFormed() : whole,
    ...(source === undefined ? {} : { source }),
    isCut: isTooLong || isCut === true,
  };
};

const share = (promptChars: number, count: number): number => Math.max(leastChars, Math.floor(promptChars / Math.max(1, count)));

export interface ExploreParts {
  readonly order: SeedOrder;
  readonly tools: readonly Tool[];
  readonly path: readonly Step[];
  /** What was tried at this place before. */
  readonly tried: readonly Step[];
  readonly canFinish: boolean;
  readonly chance: Chance;
}

/** Which tool next, with which input. */
export function explorePrompt({ order, tools, path, tried, canFinish, chance }: ExploreParts): readonly ChatTurn[] {
  const chars = share(order.promptChars, path.length + tried.length);
  const [before, beside] = [path.map((step) => found(step, chars)), tried.map((step) => found(step, Math.min(chars, leastChars)))];
  const topic = { text: order.topic };
  const marked = new Marked([topic, ...before, ...beside], chance);
  const known = tools.map(
    ({ name, description, inputJsonSchema }) => `- ${name}: ${description} Input: ${JSON.stringify(inputJsonSchema)}`,
  );
  return [
    {
      role: 'system',
      content: [`You gather facts about a topic with tools. ${aims[order.mode]}`, aboutEvidence, 'Tools:', ...known].join('\n'),
    },
    {
      role: 'user',
      content: [
        'Topic:',
        marked.text(topic),
        ...before.flatMap((result, at) => [`Step ${String(at + 1)}:`, marked.text(result)]),
        ...(beside.length > 0 ? ['Done already, do something else:', ...beside.map((result) => marked.text(result))] : []),
        `Answer with JSON: {"tool": a tool's name, "input": its input}${canFinish ? ', or {"tool": "finish"} when there is enough for a hard question' : ''}.`,
      ].join('\n'),
    },
  ];
}

/** A question and its answer, from what was found on one way. */
export function writePrompt(order: SeedOrder, evidence: readonly Step[], chance: Chance): readonly ChatTurn[] {
  const results = evidence.map((step) => found(step, share(order.promptChars, evidence.length)));
  const topic = { text: order.topic };
  const marked = new Marked([topic, ...results], chance);
  return [
    { role: 'system', content: `You write questions for a test, each with its answer. ${aboutEvidence}` },
    {
      role: 'user',
      content: [
        'Topic:',
        marked.text(topic),
        ...results.flatMap((result, at) => [`Evidence ${String(at + 1)}:`, marked.text(result)]),
        'Write one question that this evidence answers, that makes sense to somebody who does not see the evidence, and that nobody can answer without it. The answer is short: a name, a number, a few words. It must not stand in the question.',
        'Answer with JSON: {"question": …, "answer": …, "evidence": the numbers of the evidence that the answer needs}, such as, for another topic:',
        JSON.stringify({ ...examplePairs[order.mode], evidence: [1] }),
      ].join('\n'),
    },
  ];
}

/** The question again, with nothing but evidence (what was asked of a tool, and what it said, as much as the writer saw), or with nothing at all. */
export function answerPrompt(question: string, evidence: readonly Evidence[], promptChars: number, chance: Chance): readonly ChatTurn[] {
  const asked = { text: question };
  const results = evidence.map((one) => found(one, share(promptChars, evidence.length)));
  const marked = new Marked([asked, ...results], chance);
  const from =
    evidence.length === 0
      ? 'Answer the question from what you know. Where you are not sure, do not guess: say that you do not know.'
      : 'Answer the question from the evidence alone. Where the evidence does not say it, do not guess: say that you do not know.';
  return [
    { role: 'system', content: `${from} ${aboutEvidence}` },
    {
      role: 'user',
      content: [
        'Question:',
        marked.text(asked),
        ...results.flatMap((result, at) => [`Evidence ${String(at + 1)}:`, marked.text(result)]),
        'Answer with JSON: {"known": true or false, "answer": a name, a number, a few words; empty where it is not known}.',
      ].join('\n'),
    },
  ];
}

/** Whether two answers say the same. */
export function comparePrompt(question: string, answers: readonly [string, string], chance: Chance): readonly ChatTurn[] {
  const [first, second] = [{ text: answers[0] }, { text: answers[1] }];
  const asked = { text: question };
  const marked = new Marked([asked, first, second], chance);
  return [
    { role: 'system', content: `You compare two answers to one question. ${aboutEvidence}` },
    {
      role: 'user',
      content: [
        'Question:',
        marked.text(asked),
        'First answer:',
        marked.text(first),
        'Second answer:',
        marked.text(second),
        'Do they say the same? Answer with JSON: {"same": true or false}.',
      ].join('\n'),
    },
  ];
}
