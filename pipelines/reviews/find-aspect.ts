import { map, type Observable } from 'rxjs';
import { type CallContext, labelByExamples, type Model, type Opened, type OpenContext, type Resource } from 'millrace';
import { type Aspect, aspectExamples, aspects } from './aspect-examples.ts';

/** An aspect and what it took to find. */
export interface FoundAspect {
  readonly aspect: Aspect;
  readonly tokens: number;
}

/** Says what a sentence is about: one cold call. */
export type FindAspect = (text: string, ctx?: CallContext) => Observable<FoundAspect>;

/** The vector is that of the last token, which holds what would come next: so that is the aspect. Measured: see the README. */
const lead = (text: string): string => `${text} This is about the`;

/**
 * Finds aspects by the labelled examples whose embeddings are nearest. Opening it embeds the examples, once; a model
 * without embeddings is asked for one of the aspects instead.
 */
export function aspectFinder(model: Resource<Model>): Resource<FindAspect> {
  return {
    name: `aspects by ${model.name}`,
    open: async (context): Promise<Opened<FindAspect>> => {
      const opened = await model.open(context);
      try {
        const find = opened.value.capabilities.embeddings ? await byExamples(opened.value, context) : byQuestion(opened.value);
        return { value: find, close: opened.close };
      } catch (error) {
        await opened.close();
        throw error;
      }
    },
  };
}

async function byExamples(model: Model, { clock, log }: OpenContext): Promise<FindAspect> {
  const startedMs = clock.nowMs();
  const label = await labelByExamples(model, { examples: aspectExamples, lead });
  log('debug', 'the examples of the aspects are embedded', { ms: Math.round(clock.nowMs() - startedMs) });
  return (text, ctx) => label(text, ctx).pipe(map((found) => ({ aspect: found.label, tokens: found.usage.totalTokens })));
}

function byQuestion(model: Model): FindAspect {
  return (text, ctx) =>
    model
      .classify(`What is this sentence of a product review about? (other: none of these)\n\n${text}`, { labels: aspects }, ctx)
      .pipe(map(({ label, usage }) => ({ aspect: label, tokens: usage.totalTokens })));
}
