import type { scripted } from 'millrace';

type Call = Parameters<Extract<Parameters<typeof scripted>[0], (call: never) => unknown>>[0];

/** What stands between the marks after a head line, which the name of the turn may stand before. */
const slots = (text: string, head: string): readonly string[] =>
  [...text.matchAll(new RegExp(`${head}\\n<data \\w+>\\n([^]*?)\\n</data `, 'g'))].map(([, inside = '']) => inside);

const json = (value: unknown): string => JSON.stringify(value);

/**
 * A script in place of a model, for demonstrations: it chooses tools by rule, asks for what it leaves out of a sentence that was found, and answers by looking it up. It shows what the pipeline does where the embedded model is too small to play an
 * agent; it is no measure of any model.
 */
export function demoAgent({ text, options }: Call): string {
  if (text.includes('You gather facts')) return json(nextStep(text, options.seed ?? 0));
  if (text.includes('You write questions')) return json(pairFrom(text));
  if (text.includes('from the evidence alone')) return json(lookedUp(text));
  if (text.includes('from what you know')) return json({ known: false, answer: '' });
  return json({ same: false });
}

function nextStep(text: string, chance: number): object {
  const [topic = ''] = slots(text, 'Topic:');
  const steps = slots(text, 'Step \\d+:');
  const done = steps.length;
  const tried = slots(text, 'Done already, do something else:').length;
  if (done >= 3 && text.includes('"finish"')) return { tool: 'finish' };
  if (text.includes('- calculator:'))
    return { tool: 'calculator', input: { expression: `(${String(topic.length)} + ${String(chance % 97)}) * ${String(done + 2)}` } };
  if (text.includes('- python_interpreter:')) {
    const [from, many] = [topic.length + (chance % 50), done + 3];
    return { tool: 'python_interpreter', input: { code: `print(sum(n * n for n in range(${String(from)}, ${String(from + many)})))` } };
  }
  const urls = [...text.matchAll(/^ {3}(corpus:\S+)$/gm)].map(([, url = '']) => url);
  const read = new Set([...text.matchAll(/"url":"([^"]*)"/g)].map(([, url = '']) => url));
  const url = urls.find((one) => !read.has(one));
  if (url !== undefined) return { tool: 'web_visit', input: { url } };
  const words = topic.match(/[\p{L}\d]{3,}/gu) ?? ['world'];
  return { tool: 'web_search', input: { query: words.slice(tried, tried + 3).join(' ') || topic } };
}

/** A sentence with a number, which is left out. */
function pairFrom(text: string): object {
  const [topic = ''] = slots(text, 'Topic:');
  const evidence = slots(text, 'Evidence \\d+:');
  const last = evidence.length;
  const computed = /^(?:calculator|python_interpreter) (\{[^\n]*\})\n(-?[\d.]+)/.exec(evidence[last - 1] ?? '');
  if (computed) {
    const [, input = '', answer = ''] = computed;
    const said = Object.values(JSON.parse(input) as Record<string, string>).join();
    return { question: `About ${topic}: what comes out of ${said}?`, answer, evidence: [last] };
  }
  const at = evidence.findLastIndex((one) => /web_visit/.test(one) && sentenceIn(one) !== undefined);
  const found = sentenceIn(evidence[at] ?? '');
  if (found === undefined) return { question: 'Which number is meant?', answer: 'none', evidence: [1] };
  const [sentence, number] = found;
  return { question: `Which number is left out here: ${sentence.replace(number, '___')}`, answer: number, evidence: [at + 1] };
}

function sentenceIn(page: string): readonly [string, string] | undefined {
  const sentence = page.match(/[A-Z][^.\n]*\b\d{2,4}\b[^.\n]*\./g)?.at(-1);
  const number = sentence === undefined ? undefined : /\b\d{2,4}\b/.exec(sentence)?.[0];
  return sentence !== undefined && number !== undefined ? [sentence, number] : undefined;
}

/** The sentence again, with what was left out; or the number that a tool gave. */
function lookedUp(text: string): object {
  const [question = ''] = slots(text, 'Question:');
  const [evidence = ''] = slots(text, 'Evidence 1:');
  const [before = '', after = ''] = question.replace(/^Which number is left out here: /, '').split('___');
  const from = evidence.indexOf(before);
  if (after !== '' && from >= 0) {
    const rest = evidence.slice(from + before.length);
    return { known: true, answer: rest.slice(0, rest.indexOf(after)) };
  }
  const number = /-?\d[\d.]*\s*$/.exec(evidence)?.[0].trim();
  return number === undefined ? { known: false, answer: '' } : { known: true, answer: number };
}
