import { definePrompt, OptionError } from 'millrace';
import { map, of } from 'rxjs';
import { type ClassificationPart, mergeClassifications } from '../merge/merge-classifications.ts';
import type { Json } from '../merge/merge-extractions.ts';
import type { Task, TaskOptions } from './task.ts';

/**
 * One of several labels for the whole document.
 * @throws OptionError for fewer than two labels, and for one that is given twice.
 */
export function classifyTask(labels: readonly string[], { slots, vote: strategy }: TaskOptions): Task {
  const label = `classify=${labels.join()}`;
  if (labels.length < 2 || labels.some((one) => one === '') || new Set(labels).size < labels.length)
    throw new OptionError(`task ${label} must name at least two labels, all different, as in classify=praise,complaint`);
  // what the answer goes on with, a space before it: so a small model does not begin a word in the middle
  const spoken = labels.map((one) => ` ${one}`);
  const prompt = definePrompt<string>({
    name: 'documents.classify',
    // chosen on 24 passages of addresses that were labelled by counting words of war, economy and foreign affairs: with it the default model has 17 of them as counted; asked "which of these is the text" it had 10, and said war of 22
    version: '2',
    user: [`Which of these labels fits the following text best: ${labels.join(', ')}?`, (text) => text],
    begun: 'The label that fits this text best is',
    slots,
  });
  return {
    label,
    kind: 'classify',
    mayOverlap: true,
    contextShare: 1,
    question: {
      step: 'classify',
      prompt,
      maxTokens: 16,
      about: { labels },
      mayShorten: true,
      ask: (model, text, _settings, ctx) =>
        model.classify(prompt(text), { labels: spoken }, ctx).pipe(
          map(({ label: said, confidence, probabilities, usage }) => ({
            value: {
              label: said.trim(),
              confidence: rounded(confidence),
              ...(probabilities && { probabilities: trimmed(probabilities) }),
            },
            inputTokens: usage.inputTokens,
            outputTokens: usage.outputTokens,
          })),
        ),
    },
    merge: (parts) => {
      const said = parts.map(({ value, tokens }) => ({ ...(value as unknown as ClassificationPart), tokens: Math.max(1, tokens) }));
      return of({ ...mergeClassifications(said, { strategy }) } as unknown as Json);
    },
  };
}

const rounded = (share: number): number => Math.round(share * 1e6) / 1e6;

const trimmed = (probabilities: Readonly<Record<string, number>>): Readonly<Record<string, number>> =>
  Object.fromEntries(Object.entries(probabilities).map(([label, share]) => [label.trim(), rounded(share)]));
