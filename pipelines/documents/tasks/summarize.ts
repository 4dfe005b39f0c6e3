import { definePrompt, type PreparedPrompt } from 'millrace';
import { concatMap, defer, from, map, mergeMap, type Observable, of, toArray } from 'rxjs';
import { mergeText, planReduction } from '../merge/merge-text.ts';
import { asText } from './as-text.ts';
import { chatText } from './chat.ts';
import type { MergeTools, Part, Question, Task, TaskOptions } from './task.ts';

const longest = 120;
/** Each level halves the document at least; so many levels are more text than anybody has. */
const mostLevels = 12;
/** Of the summaries of one level, those that are asked for at once; calls are bounded by their permits. */
const sideBySide = 8;

type About = (text: string) => PreparedPrompt;

const promptAbout = (slots: TaskOptions['slots']): About =>
  definePrompt<string>({
    name: 'documents.summarize',
    version: '1',
    user: ['Summarize the following text in two or three sentences.', (text) => text],
    begun: 'The text says that',
    slots,
  });

const promptToReduce = (slots: TaskOptions['slots']): About =>
  definePrompt<string>({
    name: 'documents.summarize.reduce',
    version: '1',
    user: [
      'These are summaries of the parts of one text, in their order. Write one summary of the whole text in two or three sentences.',
      (text) => text,
    ],
    begun: 'The whole text says that',
    slots,
  });

const question = (step: string, about: About): Question => ({
  step,
  prompt: about,
  maxTokens: longest,
  mayShorten: true,
  ask: (model, text, { temperature }, ctx) => chatText(model, about(text), { maxTokens: longest, temperature, mayBeCut: true }, ctx),
});

/** A short summary: of each chunk, then of the summaries, level by level, each within the model's context. */
export function summarizeTask({ slots }: TaskOptions): Task {
  const reduce = question('summarize/reduce', promptToReduce(slots));
  return {
    label: 'summarize',
    kind: 'summarize',
    mayOverlap: true,
    contextShare: 1,
    question: question('summarize', promptAbout(slots)),
    merge: (parts, tools) => reduced(parts, { ...tools, reduce }, 1),
  };
}

interface ReduceTools extends MergeTools {
  readonly reduce: Question;
}

function reduced(parts: readonly Part[], tools: ReduceTools, level: number): Observable<string> {
  const texts = parts.map(({ index, value }) => ({ index, text: asText(value) }));
  const [only] = texts;
  if (only && texts.length === 1) return of(only.text);
  if (level > mostLevels) return of(mergeText(texts));
  return defer(async () => {
    const [room, tokens] = [await tools.room(tools.reduce), await Promise.all(texts.map(({ text }) => tools.countTokens(text)))];
    const groups = planReduction(tokens, room);
    // none fits beside another: what there is stays as it is, one below the other
    return groups.length < texts.length ? groups : undefined;
  }).pipe(
    concatMap((groups) => {
      if (groups === undefined) return of(mergeText(texts));
      return from(groups).pipe(
        mergeMap((group, at) => {
          const members = group.flatMap((place) => texts[place] ?? []);
          const text = mergeText(members);
          const done = (value: string): Part => ({ index: at, tokens: 1, value });
          if (members.length === 1) return of(done(text));
          // without an answer they stay as they are, one below the other
          return tools.ask(tools.reduce, text).pipe(map((value) => done(value === undefined ? text : asText(value))));
        }, sideBySide),
        toArray(),
        concatMap((next) =>
          reduced(
            next.sort((a, b) => a.index - b.index),
            tools,
            level + 1,
          ),
        ),
      );
    }),
  );
}
