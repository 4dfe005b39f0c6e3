import { readFile } from 'node:fs/promises';
import { firstValueFrom, from, lastValueFrom, map, mergeMap, toArray } from 'rxjs';
import { pullArtifact } from '../../src/artifacts/pull-artifact.ts';
import { reviewsData } from '../../src/artifacts/catalogue.ts';
import { systemClock } from '../../src/clock.ts';
import { llama } from '../../src/inference/llama/llama.ts';
import type { Model, Prompt } from '../../src/inference/model.ts';
import { nearestLabel } from '../../src/inference/nearest-label.ts';
import { type Aspect, aspectExamples, aspects } from '../../pipelines/reviews/aspect-examples.ts';
import { chooseSentences, parseGroundTruth, type RatedSentence } from '../../pipelines/reviews/data.ts';
import type { ExperimentContext, ExperimentResult, Finding } from '../helpers/experiment.ts';
import { labelledAspects } from '../helpers/labelled-aspects.ts';

export const name = 'reviews';
export const summary = 'how well and how fast the demo judges, by wording and by way; about 20 min on 2 idle cores, --short 4';

/** One review is wholly in one half: the choice is made on `choose`, and what is said of it is measured on `report`. */
type Half = 'choose' | 'report';
const halfOf = (review: string): Half => (Number(review) % 2 === 1 ? 'choose' : 'report');

interface Wording {
  readonly labels: readonly [positive: string, negative: string];
  readonly prompt: (text: string) => Prompt;
}

const begun = (question: string, answer: string): Wording => ({
  labels: [' positive', ' negative'],
  prompt: (text) => [
    { role: 'user', content: `${question}${text}` },
    { role: 'assistant', content: answer },
  ],
});
const asked = (labels: Wording['labels'], prompt: Wording['prompt']): Wording => ({ labels, prompt });
const words = ['positive', 'negative'] as const;
const shown = [
  ['it works great and i love it.', 'positive'],
  ['it broke after a week.', 'negative'],
  ['the screen is too dark and hard to read.', 'negative'],
  ['very easy to set up.', 'positive'],
] as const;

/** The first is the pipeline's. */
const wordings: Readonly<Record<string, Wording>> = {
  'answer begun: "The sentiment of this review is"': begun('What is the sentiment of this review?\n\n', 'The sentiment of this review is'),
  'answer begun, asked of "this sentence"': begun('What is the sentiment of this sentence?\n\n', 'The sentiment of this sentence is'),
  'answer begun, no question': begun('Review: ', 'The sentiment of this review is'),
  'answer begun: "This review is"': begun('Is this review positive or negative?\n\n', 'This review is'),
  'question before the sentence': asked(words, (text) => `Is this customer review positive or negative?\n\nReview: "${text}"`),
  'instruction, one word': asked(
    words,
    (text) => `Classify the sentiment of this sentence as positive or negative. Answer with one word.\n\nSentence: ${text}`,
  ),
  'instruction in the system turn': asked(words, (text) => [
    { role: 'system', content: 'You classify the sentiment of customer reviews. Answer with one word: positive or negative.' },
    { role: 'user', content: text },
  ]),
  'good or bad': asked(['good', 'bad'], (text) => `Is this customer review good or bad?\n\nReview: "${text}"`),
  'four examples as turns': asked(words, (text) => [
    { role: 'system', content: 'Say whether the review is positive or negative.' },
    ...shown.flatMap(([content, answer]) => [
      { role: 'user' as const, content },
      { role: 'assistant' as const, content: answer },
    ]),
    { role: 'user', content: text },
  ]),
};

export async function run(context: ExperimentContext): Promise<ExperimentResult> {
  const { short, signal, say } = context;
  const path = await pullArtifact(reviewsData, { signal });
  const sentences = parseGroundTruth(await readFile(path, 'utf8'));
  const { value: model, close } = await llama({ model: 'smollm2', pull: true }).open({ clock: systemClock, signal, log: () => undefined });
  try {
    const measured = [...(await sentiment(model, sentences, short ? 40 : 200, say)), ...(await aspect(model, sentences, say))];
    return { measured, pass: measured.every(({ pass }) => pass) };
  } finally {
    await close();
  }
}

async function sentiment(
  model: Model,
  sentences: readonly RatedSentence[],
  count: number,
  say: (line: string) => void,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  const clear = (half: Half): readonly RatedSentence[] =>
    chooseSentences(
      sentences.filter(({ review, rating }) => halfOf(review) === half && Math.abs(rating) > 1),
      count,
    );
  for (const [what, wording] of Object.entries(wordings)) {
    const found = await judge(model, wording, clear('choose'));
    findings.push(inform(`sentiment, choose: ${what}`, describe(found)));
    say(`${what}: ${describe(found)}`);
  }
  const [chosen] = Object.entries(wordings);
  if (chosen === undefined) return findings;
  const found = await judge(model, chosen[1], clear('report'));
  findings.push({ what: `sentiment, report: ${chosen[0]}`, measured: describe(found), passes: '>= 80 %', pass: found.right >= 0.8 });
  return findings;
}

interface Judged {
  readonly right: number;
  readonly of: number;
  /** How often a positive sentence is seen as more positive than a negative one: what a better threshold could reach. */
  readonly separation: number;
  readonly msEach: number;
}

async function judge(model: Model, { labels, prompt }: Wording, sentences: readonly RatedSentence[]): Promise<Judged> {
  const startedMs = systemClock.nowMs();
  const calls = from(sentences).pipe(
    mergeMap(
      ({ text, rating }) =>
        model.classify(prompt(text), { labels }).pipe(map(({ probabilities }) => ({ rating, share: probabilities?.[labels[0]] ?? 0.5 }))),
      4,
    ),
    toArray(),
  );
  const judged = await lastValueFrom(calls);
  const msEach = (systemClock.nowMs() - startedMs) / judged.length;
  const of = (positive: boolean): readonly number[] => judged.filter(({ rating }) => rating > 0 === positive).map(({ share }) => share);
  const pairs = of(true).flatMap((a): number[] => of(false).map((b) => (a > b ? 1 : a === b ? 0.5 : 0)));
  const right = judged.filter(({ rating, share }) => share > 0.5 === rating > 0).length / judged.length;
  return { right, of: judged.length, separation: pairs.reduce((sum, one) => sum + one, 0) / Math.max(1, pairs.length), msEach };
}

const describe = ({ right, of, separation, msEach }: Judged): string =>
  `${percent(right)} of ${String(of)}, separates ${percent(separation)}, ${msEach.toFixed(0)} ms each`;
const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;
const inform = (what: string, measured: string): Finding => ({ what, measured, passes: '', pass: true });

async function aspect(model: Model, sentences: readonly RatedSentence[], say: (line: string) => void): Promise<Finding[]> {
  const examples = aspects.flatMap((one) => aspectExamples[one].map((text) => ({ aspect: one, text })));
  const labelled = sentences.flatMap((one) => {
    const found = labelledAspects[one.id];
    return found === undefined ? [] : [{ ...one, aspect: found }];
  });
  const findings: Finding[] = [];
  const ways = { 'led to the aspect': (text: string) => `${text} This is about the`, 'as it is': (text: string) => text };
  for (const [way, wrap] of Object.entries(ways)) {
    const vectors = async (texts: readonly string[]) => (await firstValueFrom(model.embed(texts.map(wrap)))).map(({ vector }) => vector);
    const startedMs = systemClock.nowMs();
    const known = await vectors(examples.map(({ text }) => text));
    const ms = (systemClock.nowMs() - startedMs) / examples.length;
    const nearest = nearestLabel(
      known.flatMap((vector, i) => (examples[i] === undefined ? [] : [{ label: examples[i].aspect, vector }])),
      5, // as in the pipeline
    );
    const found = (await vectors(labelled.map(({ text }) => text))).map((vector) => nearest(vector).label);
    for (const half of ['choose', 'report'] as const) {
      const mine = labelled.flatMap((one, i) => (halfOf(one.review) === half ? [{ truth: one.aspect, found: found[i] ?? 'other' }] : []));
      findings.push(inform(`aspect, ${half}: ${way}`, `${scores(mine)}, ${ms.toFixed(0)} ms each`));
    }
    say(`aspects, ${way}: done`);
  }
  for (const half of ['choose', 'report'] as const) {
    const truth = labelled.filter(({ review }) => halfOf(review) === half).map((one) => ({ truth: one.aspect, found: 'other' as const }));
    findings.push(inform(`aspect, ${half}: always other`, scores(truth)));
  }
  return findings;
}

/** Right among all, and the mean over the aspects, for which a rare one counts as much as a frequent one. */
function scores(answers: readonly { readonly truth: Aspect; readonly found: Aspect }[]): string {
  const right = (some: typeof answers): number => some.filter(({ truth, found }) => truth === found).length;
  const each = aspects.flatMap((one) => {
    const mine = answers.filter(({ truth }) => truth === one);
    return mine.length === 0 ? [] : [right(mine) / mine.length];
  });
  return `${String(right(answers))} of ${String(answers.length)} right, ${percent(each.reduce((sum, one) => sum + one, 0) / each.length)} over the aspects`;
}
