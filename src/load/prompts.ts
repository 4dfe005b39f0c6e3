import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { messageOf, OptionError } from '../errors.ts';
import { seededRandom } from '../inference/scripted/seeded-random.ts';

/** What one task asks: a text, turns, or a whole body that is sent as it is. */
export type LoadPrompt =
  | { readonly prompt: string }
  | { readonly messages: readonly unknown[] }
  | { readonly body: Readonly<Record<string, unknown>> };

/** Without a file. Of different lengths, and answers to them are, too. */
export const ownPrompts: readonly LoadPrompt[] = [
  'Tell me a long story about a water mill.',
  'Why is the sky blue? Explain it to a child.',
  'Write the recipe of a good bread.',
  'What happened in the year 1969?',
  'Name ten rivers of Europe, each with a city at it.',
  'Describe how a letter gets from one country to another.',
  'What is the difference between a queue and a stack?',
  'Write a poem about the sea in autumn.',
  'Give advice to somebody who learns to play chess.',
  'Explain how a bicycle stays upright.',
].map((prompt) => ({ prompt }));

const mostPrompts = 100_000;
const mostCharacters = 64 * 2 ** 20;

/**
 * Prompts of a file: a line is a text, or, in a file of JSON lines, an object with `prompt`, `messages` or `body`. Blank lines are left out. Holds them all: 100,000 and 64 MiB at most.
 * @throws OptionError with file and line, for what is neither.
 */
export async function readPrompts(path: string): Promise<readonly LoadPrompt[]> {
  const found: LoadPrompt[] = [];
  let [line, characters] = [0, 0];
  try {
    for await (const text of createInterface({ input: createReadStream(path, 'utf8'), crlfDelay: Infinity })) {
      line += 1;
      if (text.trim() === '') continue;
      characters += text.length;
      if (found.length === mostPrompts || characters > mostCharacters)
        throw new OptionError(`${path}:${String(line)}: more than 100,000 prompts or 64 MiB; give fewer, they are asked again and again`);
      found.push(promptOf(text, `${path}:${String(line)}`));
    }
  } catch (error) {
    if (error instanceof OptionError) throw error;
    throw new OptionError(`cannot read prompts from ${path}: ${messageOf(error)}`, { cause: error });
  }
  if (found.length === 0) throw new OptionError(`${path} has no prompts: a line is a text, or JSON with prompt, messages or body`);
  return found;
}

function promptOf(text: string, at: string): LoadPrompt {
  if (!text.trimStart().startsWith('{')) return { prompt: text };
  let row: unknown;
  try {
    row = JSON.parse(text);
  } catch (error) {
    throw new OptionError(`${at}: it begins like JSON and is none: ${messageOf(error)}`);
  }
  const { prompt, messages, body } = row as Readonly<Record<string, unknown>>;
  if (typeof prompt === 'string') return { prompt };
  if (Array.isArray(messages)) return { messages };
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return { body: body as Readonly<Record<string, unknown>> };
  throw new OptionError(`${at}: expected prompt (a text), messages (a list) or body (an object)`);
}

/** The prompt of the nth task, from 1: all of them in an order that the seed decides, then all in another one. Holds a place for each. */
export function promptOrder(prompts: readonly LoadPrompt[], seed: number): (nth: number) => LoadPrompt {
  let round = -1;
  let order: number[] = [];
  return (nth) => {
    const wanted = Math.floor((nth - 1) / prompts.length);
    if (wanted !== round) {
      round = wanted;
      order = shuffled(prompts.length, seededRandom(seed, 'prompts', round));
    }
    return prompts[order[(nth - 1) % prompts.length] ?? 0] ?? { prompt: '' };
  };
}

function shuffled(count: number, random: () => number): number[] {
  const order = Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [order[last], order[other]] = [order[other] ?? 0, order[last] ?? 0];
  }
  return order;
}
