import { scripted, type ScriptedOptions } from '../../src/inference/scripted/scripted.ts';
import type { ScriptedCall } from '../../src/inference/scripted/script.ts';

const seedIn = (text: string): string => /Topic:\n<data \w+>\n([^\n]*)/.exec(text)?.[1] ?? '';
const numberOf = (text: string): number => Array.from(text).reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) % 9_973, 7);

/** What a model says that plays the whole agent in math mode, by the prompt and its chance alone: different seeds, and different ways of one, come to different numbers. */
export function mathAgent(call: ScriptedCall): string {
  const { text } = call;
  if (text.includes('You gather facts')) {
    const done = [...text.matchAll(/^calculator /gm)].length;
    if (done >= 3 && text.includes('"finish"')) return JSON.stringify({ tool: 'finish' });
    return JSON.stringify({
      tool: 'calculator',
      input: { expression: `${String(numberOf(seedIn(text)))} + ${String((call.options.seed ?? 0) % 997)} * ${String(done + 1)}` },
    });
  }
  if (text.includes('You write questions')) {
    const results = [...text.matchAll(/^calculator \{"expression":"([^"]*)"\}\n([^\n]*)/gm)];
    const [, expression = '', value = ''] = results.at(-1) ?? [];
    return JSON.stringify({
      question: `Which number is ${seedIn(text)}, ${expression.replaceAll(/\d+/g, 'x')}?`,
      answer: value,
      evidence: [results.length],
    });
  }
  if (text.includes('from the evidence alone')) {
    const values = [...text.matchAll(/^Evidence \d+:\n<data \w+>\n[^\n]*\n([^\n]*)/gm)];
    return JSON.stringify({ known: true, answer: values.at(-1)?.[1] ?? '' });
  }
  if (text.includes('from what you know')) return JSON.stringify({ known: false, answer: '' });
  return JSON.stringify({ same: false });
}

export const mathModel = (options: ScriptedOptions = {}) => scripted(mathAgent, { name: 'math-agent', ...options });
