import { createHash } from 'node:crypto';

/** A sentence and what people think of it. */
export interface RatedSentence {
  /** `review_sentence`, unique. */
  readonly id: string;
  /** The review it belongs to: the record's key. */
  readonly review: string;
  readonly text: string;
  /** Mean of the ratings, from -4 (most negative) to 4 (most positive). */
  readonly rating: number;
}

/**
 * Reads `amazonReviewSnippets_GroundTruth.txt`: a line a sentence, with id, mean rating and text between tabs.
 * @throws Error with the number of the line that is not so, or whose id was there before.
 */
export function parseGroundTruth(text: string): readonly RatedSentence[] {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  return unique(
    lines.map((line, index) => {
      const [id = '', rating = '', sentence = '', ...more] = line.split('\t');
      return checked({ id, rating: rating.trim() === '' ? Number.NaN : Number(rating), text: sentence.trim() }, more.length === 0, index);
    }),
  );
}

/**
 * Reads our own sample: a line of JSON a sentence, with id, rating and text.
 * @throws Error with the number of the line that is not so, or whose id was there before.
 */
export function parseSample(text: string): readonly RatedSentence[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return unique(
    lines.map((line, index) => {
      const { id, rating, text: sentence } = JSON.parse(line) as Readonly<Record<string, unknown>>;
      const isWhole = typeof id === 'string' && typeof rating === 'number' && typeof sentence === 'string';
      return checked({ id: String(id), rating: Number(rating), text: String(sentence) }, isWhole, index);
    }),
  );
}

function checked({ id, rating, text }: Omit<RatedSentence, 'review'>, isWhole: boolean, index: number): RatedSentence {
  const review = /^(\w+)_\d+$/.exec(id)?.[1];
  if (isWhole && review !== undefined && rating >= -4 && rating <= 4 && text !== '') return { id, review, rating, text };
  throw new Error(`line ${String(index + 1)} of the reviews: expected an id like 12_3, a rating from -4 to 4 and a text`);
}

function unique(sentences: readonly RatedSentence[]): readonly RatedSentence[] {
  const seen = new Set<string>();
  for (const [index, { id }] of sentences.entries()) {
    if (seen.has(id)) throw new Error(`line ${String(index + 1)} of the reviews: the id ${id} was there before`);
    seen.add(id);
  }
  return sentences;
}

/**
 * `count` sentences from all over the data: always the same, and for a larger count the same and more. Those of one
 * review stand in the order of the review, and far apart, so that a key's order holds up nobody else.
 */
export function chooseSentences(sentences: readonly RatedSentence[], count: number): readonly RatedSentence[] {
  const scattered = sentences
    .map((sentence, index) => ({ sentence, index, place: createHash('sha256').update(sentence.id).digest('hex') }))
    .sort((a, b) => (a.place < b.place ? -1 : 1))
    .slice(0, count);
  const inOrder = new Map<string, RatedSentence[]>();
  for (const { sentence } of scattered.toSorted((a, b) => a.index - b.index)) {
    const review = inOrder.get(sentence.review);
    if (review) review.push(sentence);
    else inOrder.set(sentence.review, [sentence]);
  }
  return scattered.flatMap(({ sentence }) => inOrder.get(sentence.review)?.shift() ?? []);
}
