import { lastValueFrom, map, type Observable } from 'rxjs';
import type { CallContext, Model, Opened, OpenContext, Resource } from 'millrace';
import { type Aspect, aspectExamples, aspects } from './aspect-examples.ts';

/** An aspect and what it took to find. */
export interface FoundAspect {
  readonly aspect: Aspect;
  readonly tokens: number;
}

/** Says what a sentence is about: one cold call. */
export type FindAspect = (text: string, ctx?: CallContext) => Observable<FoundAspect>;

export interface LabelledVector {
  readonly aspect: Aspect;
  readonly vector: Float32Array;
}

/** Examples that vote. Measured, as the rest here: see the README. */
const voters = 5;

/** The vector is that of the last token, which holds what would come next: so that is the aspect. */
const leadingToAspect = (text: string): string => `${text} This is about the`;

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
  const texts = aspects.flatMap((aspect) => aspectExamples[aspect].map((text) => ({ aspect, text })));
  const embeddings = await lastValueFrom(model.embed(texts.map(({ text }) => leadingToAspect(text))), { defaultValue: [] });
  const examples = embeddings.flatMap(({ vector }, index) => {
    const aspect = texts[index]?.aspect;
    return aspect === undefined ? [] : [{ aspect, vector }];
  });
  const nearest = nearestAspect(examples);
  log('debug', 'the examples of the aspects are embedded', { examples: examples.length, ms: Math.round(clock.nowMs() - startedMs) });
  return (text, ctx) =>
    model.embed([leadingToAspect(text)], ctx).pipe(
      map(([found]) => {
        if (found === undefined) throw new Error('expected one embedding, got none');
        return { aspect: nearest(found.vector), tokens: found.usage.totalTokens };
      }),
    );
}

function byQuestion(model: Model): FindAspect {
  return (text, ctx) =>
    model
      .classify(`What is this sentence of a product review about? (other: none of these)\n\n${text}`, { labels: aspects }, ctx)
      .pipe(map(({ label, usage }) => ({ aspect: label, tokens: usage.totalTokens })));
}

/**
 * The aspect for which the nearest examples vote, each as strongly as it is near. All vectors are taken relative to the
 * examples' mean, in units of their spread: sentences of one kind point the same way, and only the rest tells them apart.
 */
export function nearestAspect(examples: readonly LabelledVector[]): (vector: Float32Array) => Aspect {
  const directionOf = standardized(examples.map(({ vector }) => vector));
  const placed = examples.map(({ aspect, vector }) => ({ aspect, vector: directionOf(vector) }));
  return (vector) => {
    const own = directionOf(vector);
    const near = placed
      .map((one) => ({ aspect: one.aspect, nearness: dot(one.vector, own) }))
      .sort((a, b) => b.nearness - a.nearness)
      .slice(0, voters);
    const votes = new Map<Aspect, number>();
    for (const { aspect, nearness } of near) votes.set(aspect, (votes.get(aspect) ?? 0) + Math.max(0, nearness));
    const [best] = [...votes].sort(([, a], [, b]) => b - a);
    return best?.[0] ?? 'other';
  };
}

/** A dimension in which all examples are alike says nothing, and would be blown up. */
const leastSpread = 1e-4;

/** From the mean of `vectors` to a vector, each dimension in units of its spread, with length 1 (0 at the mean itself). */
function standardized(vectors: readonly Float32Array[]): (vector: Float32Array) => Float32Array {
  const mean = meanOf(vectors);
  const variance = meanOf(vectors.map((vector) => vector.map((x, i) => (x - (mean[i] ?? 0)) ** 2)));
  const spread = variance.map((x) => Math.sqrt(x) + leastSpread);
  return (vector) => {
    const difference = vector.map((x, i) => (x - (mean[i] ?? 0)) / (spread[i] ?? 1));
    const length = Math.hypot(...difference);
    return length > 0 ? difference.map((x) => x / length) : difference;
  };
}

function meanOf(vectors: readonly Float32Array[]): Float32Array {
  const mean = new Float32Array(vectors[0]?.length ?? 0);
  for (const vector of vectors) for (const [i, x] of vector.entries()) mean[i] = (mean[i] ?? 0) + x / vectors.length;
  return mean;
}

const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, x, i) => sum + x * (b[i] ?? 0), 0);
