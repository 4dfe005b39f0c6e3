import { InferenceError } from 'millrace';

/** What a chunk was taken for. */
export interface ClassificationPart {
  readonly label: string;
  /** Of `label`, 0 to 1. */
  readonly confidence: number;
  /** Of each label, where the model tells. */
  readonly probabilities?: Readonly<Record<string, number>> | undefined;
  /** Its weight, above 0. */
  readonly tokens: number;
}

export interface MergedClassification {
  readonly label: string;
  /** The mean, over all parts, of the probability of `label`; by tokens with `weighted`. A part that says another label and no probabilities counts 0. */
  readonly confidence: number;
  /** How many parts say which label. */
  readonly votes: Readonly<Record<string, number>>;
  /** Of the parts, those that say `label`: 1 where all agree. */
  readonly agreement: number;
}

export interface MergeClassificationsOptions {
  /** `majority`: each part has one voice. `weighted`: a part's probabilities count by its tokens. @defaultValue 'weighted' */
  readonly strategy?: 'majority' | 'weighted';
}

/**
 * One label for several parts. Of labels with equally many voices the more probable one wins, then the earlier one.
 * @throws InferenceError `answer_invalid` without parts.
 */
export function mergeClassifications(
  parts: readonly ClassificationPart[],
  { strategy = 'weighted' }: MergeClassificationsOptions = {},
): MergedClassification {
  if (parts.length === 0) throw new InferenceError('answer_invalid', 'expected at least one classification, got none');
  const weightOf = ({ tokens }: ClassificationPart): number => (strategy === 'weighted' ? tokens : 1);
  const whole = parts.reduce((sum, part) => sum + weightOf(part), 0);
  const votes = new Map<string, number>();
  for (const { label } of parts) votes.set(label, (votes.get(label) ?? 0) + 1);
  // the second choice of all parts may be likelier than the first of any
  const named = strategy === 'weighted' ? parts.flatMap(({ probabilities = {} }) => Object.keys(probabilities)) : [];
  const means = [...new Set([...votes.keys(), ...named])].map((label) => {
    const voices = votes.get(label) ?? 0;
    const confidence = parts.reduce((sum, part) => sum + weightOf(part) * probabilityOf(label, part), 0) / whole;
    return { label, confidence, voices };
  });
  const best = means.reduce((winner, one) => (isBetter(one, winner, strategy) ? one : winner));
  return {
    label: best.label,
    confidence: rounded(best.confidence),
    votes: Object.fromEntries(votes),
    agreement: rounded(best.voices / parts.length),
  };
}

interface Candidate {
  readonly confidence: number;
  readonly voices: number;
}

const isBetter = (one: Candidate, than: Candidate, strategy: 'majority' | 'weighted'): boolean =>
  strategy === 'majority' && one.voices !== than.voices ? one.voices > than.voices : one.confidence > than.confidence;

const probabilityOf = (label: string, part: ClassificationPart): number =>
  (part.probabilities && Object.hasOwn(part.probabilities, label) ? part.probabilities[label] : undefined) ??
  (part.label === label ? part.confidence : 0);

const rounded = (share: number): number => Math.round(share * 10_000) / 10_000;
