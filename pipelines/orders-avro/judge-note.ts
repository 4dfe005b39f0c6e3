import type { Observable } from 'rxjs';
import { type CallContext, type Classification, labelByExamples, type Model, type Opened, type Resource } from 'millrace';
import { noteExamples } from './note-examples.ts';
import type { NoteKind } from './schema.ts';

/** Says what a customer's note wants: one cold call. */
export type JudgeNote = (
  note: string,
  ctx?: CallContext,
) => Observable<Pick<Classification<NoteKind>, 'label' | 'confidence' | 'usage' | 'model'>>;

/** What a model would go on with is what is embedded: the vector is that of the last token. Chosen by measuring, see the README. */
const lead = (note: string): string => `Note of a customer: "${note}" The customer wants to`;

/** Judges notes by the examples whose embeddings are nearest, which a small model can; one without embeddings, as most behind a URL, is asked instead. */
export const noteJudge = (model: Resource<Model>): Resource<JudgeNote> => ({
  name: `notes by ${model.name}`,
  open: async (context): Promise<Opened<JudgeNote>> => {
    const { value: opened, close } = await model.open(context);
    try {
      const judge = opened.capabilities.embeddings ? await labelByExamples(opened, { examples: noteExamples, lead }) : byQuestion(opened);
      return { value: judge, close };
    } catch (error) {
      await close();
      throw error;
    }
  },
});

const byQuestion =
  (model: Model): JudgeNote =>
  (note, ctx) =>
    model.classify(question(note), { labels: ['complaint', 'question', 'change', 'thanks'] }, ctx);

const question = (note: string): string =>
  `A customer has written a note to an order. Is it a complaint, a question, a change of the order, or thanks?\n\n${note}`;
