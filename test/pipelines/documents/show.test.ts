import { expect, it } from 'vitest';
import type { DocumentResult } from '../../../pipelines/documents/document.ts';
import { answerLine } from '../../../pipelines/documents/show.ts';

const answer = (given: Partial<DocumentResult>): DocumentResult => ({
  ...{ run: 'r', place: 0, status: 'success', input: { id: 'a.txt', name: 'a.txt', chars: 1, hash: 'h' }, ms: 1_250 },
  ...{ usage: { calls: 1, fromJournal: 0, inputTokens: 1, outputTokens: 1 }, ...given },
});

it.each([
  [answer({ result: { summarize: 'two\nlines' } }), 80, 'done    a.txt  1.3 s  summarize: two lines'],
  [
    answer({ input: { id: 'new\nline.txt', name: 'new\nline.txt' }, status: 'error', error: { code: 'ENOENT', message: 'it is\r\ngone' } }),
    80,
    'error   new line.txt  1.3 s  ENOENT: it is gone',
  ],
  [answer({ result: { embed: [0.5, 0.5] }, partial: [] }), 80, 'partial a.txt  1.3 s  embed: 2 numbers'],
  [answer({ result: { summarize: '😀😀' } }), 35, 'done    a.txt  1.3 s  summarize: …'], // never half of a character
])('an answer is one line: %#', (result, width, expected) => {
  expect(answerLine(result, width)).toBe(expected);
});
