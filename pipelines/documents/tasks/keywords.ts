import { definePrompt } from 'millrace';
import { map, of } from 'rxjs';
import { z } from 'zod';
import { mergeKeywords } from '../merge/merge-keywords.ts';
import type { Task, TaskOptions } from './task.ts';

const longest = 160;
const Keywords = z.object({ keywords: z.array(z.string().max(60)).min(1).max(10) });

/** What the document is about, in up to ten words or names. */
export function keywordsTask({ slots }: TaskOptions): Task {
  const prompt = definePrompt<string>({
    name: 'documents.keywords',
    version: '1',
    user: ['Name up to ten keywords of the following text, the most important first, as JSON: {"keywords": ["…"]}', (text) => text],
    slots,
  });
  return {
    label: 'keywords',
    kind: 'keywords',
    mayOverlap: true,
    contextShare: 1,
    question: {
      step: 'keywords',
      prompt,
      maxTokens: longest,
      mayShorten: true,
      ask: (model, text, { temperature }, ctx) =>
        model
          .answer(prompt(text), { schema: Keywords, repairs: 1, maxTokens: longest, temperature }, ctx)
          .pipe(map(({ value, usage }) => ({ value: value.keywords, inputTokens: usage.inputTokens, outputTokens: usage.outputTokens }))),
    },
    merge: (parts) => of(mergeKeywords(parts.map(({ index, value }) => ({ index, keywords: value as readonly string[] })))),
  };
}
