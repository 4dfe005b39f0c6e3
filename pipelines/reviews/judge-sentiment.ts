import { map, type Observable } from 'rxjs';
import type { CallContext, Classification, Model, Prompt } from 'millrace';
import type { EnrichedReview } from './schema.ts';

type Sentiment = EnrichedReview['sentiment'];

/** How a model is asked: a local one completes an answer that is begun for it, a server's chat cannot, and gets a question. */
export type Asking = 'completion' | 'question';

export type JudgedSentiment = Pick<Classification<Sentiment>, 'label' | 'confidence' | 'usage' | 'model'>;

/** Whether people would find a sentence positive or negative: one cold call. */
export function judgeSentiment(model: Model, asking: Asking, text: string, ctx?: CallContext): Observable<JudgedSentiment> {
  if (asking === 'question') return model.classify(question(text), { labels: ['positive', 'negative'] }, ctx);
  // a word goes on with the space before it; without one the model would have to begin a new word in the middle
  return model
    .classify(completion(text), { labels: [' positive', ' negative'] }, ctx)
    .pipe(map((found) => ({ ...found, label: found.label === ' positive' ? 'positive' : 'negative' })));
}

/** The wording was chosen among several on one half of the data and measured on the other: see the README. */
const completion = (text: string): Prompt => [
  { role: 'user', content: `What is the sentiment of this review?\n\n${text}` },
  { role: 'assistant', content: 'The sentiment of this review is' },
];

const question = (text: string): Prompt => `Is the sentiment of this sentence of a product review positive or negative?\n\n${text}`;
