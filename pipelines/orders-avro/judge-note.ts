import { map, type Observable } from 'rxjs';
import type { CallContext, Classification, Model, Prompt } from 'millrace';
import type { NoteKind } from './schema.ts';

/** What the customer's note wants, as the model sees it. */
export type JudgedNote = Pick<Classification<NoteKind>, 'label' | 'confidence' | 'usage' | 'model'>;

const words = { ' complaint': 'complaint', ' question': 'question', ' change': 'change', ' thank': 'thanks' } as const satisfies Record<
  string,
  NoteKind
>;
const begun = Object.keys(words) as (keyof typeof words)[];

/** One cold call. A model that can go on with an answer gets one begun: small ones go on better than they obey. */
export function judgeNote(model: Model, note: string, ctx?: CallContext): Observable<JudgedNote> {
  const { logProbabilities, completion } = model.capabilities;
  if (!logProbabilities || !completion)
    return model.classify(question(note), { labels: ['complaint', 'question', 'change', 'thanks'] }, ctx);
  return model
    .classify(beginning(note), { labels: begun, calibrate: beginning('N/A') }, ctx)
    .pipe(map((found) => ({ ...found, label: words[found.label] })));
}

const beginning = (note: string): Prompt => [
  {
    role: 'user',
    content: `A customer has written this note to an order: "${note}"\n\nIs it a complaint, a question, a change of the order, or thanks?`,
  },
  { role: 'assistant', content: 'This note is a' },
];

const question = (note: string): Prompt =>
  `A customer has written a note to an order. Is it a complaint, a question, a change of the order, or thanks?\n\n${note}`;
