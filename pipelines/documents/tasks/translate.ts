import { definePrompt, OptionError } from 'millrace';
import { of } from 'rxjs';
import { mergeText } from '../merge/merge-text.ts';
import { asText } from './as-text.ts';
import { chatText } from './chat.ts';
import type { Task, TaskOptions } from './task.ts';

const longest = 768;

/**
 * The document in another language, chunk by chunk.
 * @throws OptionError for what is no language tag, such as `fr` or `pt-BR`.
 */
export function translateTask(language: string, { slots }: TaskOptions): Task {
  const name = nameOf(language);
  const prompt = definePrompt<string>({
    name: 'documents.translate',
    version: '1',
    user: [`Translate the following text to ${name}. Answer with the translation alone.`, (text) => text],
    begun: `The text in ${name}:`,
    slots,
  });
  return {
    label: `translate=${language}`,
    kind: 'translate',
    mayOverlap: false,
    contextShare: 0.3, // the answer needs as much as the text, and more in most languages than in English
    question: {
      step: 'translate',
      prompt,
      maxTokens: longest,
      about: { language },
      mayShorten: false, // half a text is no translation of it
      ask: (model, text, { temperature }, ctx) => chatText(model, prompt(text), { maxTokens: longest, temperature, mayBeCut: false }, ctx),
    },
    merge: (parts) => of(mergeText(parts.map(({ index, value }) => ({ index, text: asText(value) })))),
  };
}

function nameOf(language: string): string {
  try {
    const name = new Intl.DisplayNames(['en'], { type: 'language', fallback: 'none' }).of(language);
    if (name !== undefined) return name;
  } catch {
    // no tag at all: as one that nobody knows
  }
  throw new OptionError(`task translate=${language} must name a language by its tag, as in translate=fr or translate=pt-BR`);
}
