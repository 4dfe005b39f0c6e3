import { lastValueFrom, map, type Observable } from 'rxjs';
import { isObject, type OptionNames, requireFunction, requireOptions } from '../check-options.ts';
import { InferenceError, OptionError, requireInteger } from '../errors.ts';
import type { CallContext } from '../call.ts';
import type { Classification, Embedding, Model } from './model.ts';
import { nearestLabel } from './nearest-label.ts';

export interface LabelByExamplesOptions<L extends string> {
  /** Texts of each label, at least one; five to ten, as different as what will come, are many for small models. */
  readonly examples: Readonly<Record<L, readonly string[]>>;
  /** Around each text before it is embedded: words that lead to the label, where the model's vector is that of the last token. @defaultValue the text as it is */
  readonly lead?: (text: string) => string;
  /** How many of the nearest examples vote; at least 1. @defaultValue 5 */
  readonly neighbours?: number;
}

/** Labels a text: one cold call, which embeds it. `confidence` is the label's share of the votes. */
export type LabelText<L extends string> = (text: string, ctx?: CallContext) => Observable<Classification<L>>;

const names: OptionNames<LabelByExamplesOptions<string>> = { examples: true, lead: true, neighbours: true };

/**
 * Labels texts by the labelled examples whose embeddings are nearest: what a small model can, where it is asked in vain. The examples are embedded in one call, now; make it in the `open` of a resource, and
 * each text costs an embedding. A wording that was not measured on texts of yours is worth nothing.
 *
 * Holds a vector for each example.
 * @throws OptionError; what the model's `embed` fails with, `capability_missing` where it has none
 * @see {@link Model.classify}, which asks the model itself
 */
export async function labelByExamples<const L extends string>(model: Model, options: LabelByExamplesOptions<L>): Promise<LabelText<L>> {
  requireOptions('labelByExamples', options, names);
  const { examples, lead = (text: string) => text, neighbours = 5 } = options;
  requireFunction('labelByExamples.lead', lead, '(text) => text');
  requireInteger('labelByExamples.neighbours', neighbours, 1);
  const texts = labelled(examples);
  if (texts.length === 0) throw new OptionError('labelByExamples.examples must have at least one label');
  const embeddings = await lastValueFrom(model.embed(texts.map(({ text }) => lead(text))), { defaultValue: [] });
  const nearest = nearestLabel(
    texts.map(({ label }, index) => ({ label, vector: present(embeddings[index]).vector })),
    neighbours,
  );
  return (text, ctx) =>
    model.embed([lead(text)], ctx).pipe(
      map(([found]) => {
        const { vector, usage, model: name } = present(found);
        const { label, probabilities } = nearest(vector);
        return { label, confidence: probabilities[label], probabilities, usage, model: name };
      }),
    );
}

function labelled<L extends string>(
  examples: LabelByExamplesOptions<L>['examples'],
): readonly { readonly label: L; readonly text: string }[] {
  if (!isObject(examples)) throw new OptionError('labelByExamples.examples must be lists of texts by their labels');
  return (Object.entries(examples) as [L, readonly string[]][]).flatMap(([label, texts]) => {
    if (!Array.isArray(texts) || texts.length === 0 || texts.some((text: unknown) => typeof text !== 'string'))
      throw new OptionError(`labelByExamples.examples.${label} must be a list of at least one text`);
    return (texts as readonly string[]).map((text) => ({ label, text }));
  });
}

function present(found: Embedding | undefined): Embedding {
  if (found === undefined) throw new InferenceError('model_failed', 'expected an embedding for each text, got fewer');
  return found;
}
