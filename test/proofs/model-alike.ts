import type { ChatTurn } from '../../src/inference/model.ts';
import { openEmbedded } from '../helpers/embedded-model.ts';
import type { ExperimentContext, ExperimentResult, Finding } from '../helpers/experiment.ts';
import { allOf } from '../helpers/result-of.ts';

export const name = 'model-alike';
export const summary =
  'the embedded model at temperature 0 without flash attention, alone and eight at once, with a kept prefix and without: equal answers bit for bit; about 3 minutes, --short 15 s';

const sequences = 8;
const things = ['wheel', 'stones', 'flour', 'pond', 'miller', 'grain', 'roof', 'sacks', 'weir', 'bread'];
const asks = [
  'Tell me a long story about',
  'Explain to a child what is special about',
  'Describe in many words the history of',
  'Why do people love',
];
const system = 'You answer questions of visitors of a water mill. Be friendly, be exact, and write whole sentences.';
/** Of different lengths, so that they are in step with each other only at first; `words` bounds how different. */
const promptsOf = (count: number, words: number): readonly (readonly ChatTurn[])[] =>
  Array.from({ length: count }, (_, n) => [
    { role: 'system', content: system },
    {
      role: 'user',
      content: `${asks[n % 4] ?? ''} the ${things[n % 10] ?? ''}, visitor number ${String(n)}${', who asks for more words than others do'.repeat(n % words)}.`,
    },
  ]);

type Opened = Awaited<ReturnType<typeof openEmbedded>>;

export async function run({ short, signal, say }: ExperimentContext): Promise<ExperimentResult> {
  const prompts = short ? promptsOf(sequences, 3) : promptsOf(40, 5);
  const maxTokens = short ? 4 : 8;
  const opened = await openEmbedded({ sequences });
  try {
    const alone: string[] = [];
    for (const prompt of prompts) {
      signal.throwIfAborted();
      await forget(opened);
      alone.push(await answer(opened, prompt, maxTokens));
    }
    say('asked alone');
    const kept: string[] = [];
    for (const prompt of prompts) kept.push(await answer(opened, prompt, maxTokens));
    say('asked again');
    await forget(opened);
    const beside = await together(opened, prompts, maxTokens);
    const otherwise = (await together(opened, prompts.toReversed(), maxTokens)).toReversed();
    return { measured: judge(alone, { kept, beside, otherwise }), pass: true };
  } finally {
    await opened.close();
  }
}

/** Tokens and their log-probabilities: bit for bit, and of whose prompt they are. */
async function answer({ model }: Opened, prompt: readonly ChatTurn[], maxTokens: number): Promise<string> {
  const pieces = await allOf(model.chat(prompt, { maxTokens, logProbabilities: 0 }));
  return pieces.flatMap(({ tokens = [] }) => tokens.map((one) => `${one.token} ${String(one.logProbability)}`)).join('\n');
}

/** Every sequence gets something else to keep. */
const forget = ({ model }: Opened): Promise<unknown> =>
  Promise.all(Array.from({ length: sequences }, (_, n) => allOf(model.complete(`${String(n)} zq`, { maxTokens: 1 }))));

async function together(opened: Opened, asked: readonly (readonly ChatTurn[])[], maxTokens: number): Promise<readonly string[]> {
  const left = [...asked.entries()];
  const found: string[] = [];
  const lane = async (): Promise<void> => {
    for (let next = left.shift(); next; next = left.shift()) found[next[0]] = await answer(opened, next[1], maxTokens);
  };
  await Promise.all(Array.from({ length: sequences }, lane));
  return found;
}

function judge(alone: readonly string[], others: Readonly<Record<'kept' | 'beside' | 'otherwise', readonly string[]>>): readonly Finding[] {
  const different = (what: string, answers: readonly string[]): Finding => {
    const count = alone.filter((one, at) => one !== answers[at]).length;
    return { what, measured: String(count), passes: '0', pass: count === 0 };
  };
  const told = new Set(alone).size;
  return [
    {
      what: 'prompts whose answers differ from each other',
      measured: String(told),
      passes: String(alone.length),
      pass: told === alone.length,
    },
    different('answers that differ with a kept prefix', others.kept),
    different('answers that differ beside others', others.beside),
    different('answers that differ in the other order', others.otherwise),
  ];
}
