import { concatMap, defer, map, type Observable, of, throwError } from 'rxjs';
import { type CallContext, currentScope } from '../../call.ts';
import { requireOptions } from '../../check-options.ts';
import { InferenceError, OptionError } from '../../errors.ts';
import type { ChatTurn, Classification, ClassifyOptions, JsonSchema, ModelBackend } from '../model.ts';
import { collect, type Reply } from './collect.ts';
import { missing } from './capability.ts';
import { type Leanings, type Seen, without } from './leanings.ts';
import { isBlank, turnsOf, withInstruction } from './prompt.ts';
import { withinScope } from './within-scope.ts';

/** A prompt that lists more is not a classification; take the nearest embedding instead. */
const mostLabels = 256;

/** What `{"label":""}` and its white space take beside the label, in tokens, at most. */
const wrapping = 32;

/**
 * One label: by the probabilities of the labels as the answer's beginning where the back end sees them, else by an
 * answer that is constrained to the labels and checked.
 * @throws OptionError at the call, unless there are at least two labels, distinct and not blank.
 */
export function classifyWith<L extends string>(
  backend: ModelBackend,
  turns: readonly ChatTurn[],
  options: ClassifyOptions<L>,
  ctx: CallContext | undefined,
  leanings: Leanings,
): Observable<Classification<L>> {
  requireOptions('classify', options, { labels: true, calibrate: true });
  const { labels: given, calibrate } = options;
  requireLabels(given);
  const labels = [...given];
  const empty = calibrate === undefined ? undefined : turnsOf(calibrate);
  if (empty && isBlank(empty))
    throw new OptionError("calibrate must be a prompt with something in it, such as the same one with 'N/A' for its data");
  return defer(() => {
    if (backend.capabilities.logProbabilities) return byProbability(backend, turns, labels, ctx, empty && { empty, leanings });
    return empty ? missing(backend.name, 'calibration') : byAnswer(backend, turns, labels, ctx);
  });
}

function requireLabels(labels: unknown): asserts labels is readonly string[] {
  if (!Array.isArray(labels) || labels.length < 2 || labels.length > mostLabels) {
    throw new OptionError(
      `labels must be a list of 2 to ${String(mostLabels)} strings, got ${Array.isArray(labels) ? String(labels.length) : typeof labels}`,
    );
  }
  const seen = new Set<string>();
  labels.forEach((label: unknown, index) => {
    if (typeof label !== 'string' || label.trim() === '')
      throw new OptionError(`labels[${String(index)}] must be a string that is not blank`);
    if (seen.has(label.trim()))
      throw new OptionError(`labels must differ, got ${JSON.stringify(label)} twice (white space around does not count)`);
    seen.add(label.trim());
  });
}

interface Calibration {
  readonly empty: readonly ChatTurn[];
  readonly leanings: Leanings;
}

function byProbability<L extends string>(
  backend: ModelBackend,
  turns: readonly ChatTurn[],
  labels: readonly L[],
  ctx: CallContext | undefined,
  calibration: Calibration | undefined,
): Observable<Classification<L>> {
  const seen = (asked: readonly ChatTurn[]): Observable<Seen> => {
    if (backend.labelLogProbabilities !== undefined) return backend.labelLogProbabilities(asked, labels, ctx);
    const message = `model ${backend.name} says that it sees log-probabilities, but has no way to ask for them`;
    return throwError(() => new InferenceError('capability_missing', message));
  };
  const scope = currentScope();
  const calibrated = ({ empty, leanings }: Calibration): Observable<Seen> =>
    leanings.of(empty, labels, seen).pipe(
      concatMap((leaning) => {
        if (!leaning.wasKnown) scope.tries.repairs += 1; // the record's history counts every call that was made for it
        const answer = withinScope(
          scope,
          defer(() => seen(turns)),
        );
        return answer.pipe(map((one) => without(leaning, one)));
      }),
    );
  return (calibration ? calibrated(calibration) : seen(turns)).pipe(
    map(({ logProbabilities, usage }) => {
      const shares = softmax(logProbabilities, labels.length);
      const best = shares.reduce((top, share, index) => (share > (shares[top] ?? 0) ? index : top), 0);
      const label = labels[best];
      if (label === undefined) throw new InferenceError('model_failed', 'expected labels, got none');
      // fromEntries defines own properties: a label `__proto__` is one too
      const probabilities = Object.fromEntries(labels.map((one, index) => [one, shares[index] ?? 0])) as Record<L, number>;
      return { label, confidence: shares[best] ?? 0, probabilities, usage, model: backend.name };
    }),
  );
}

/** Shares of the labels among themselves; the largest is taken out first, since e^-800 is 0. */
function softmax(logProbabilities: readonly number[], count: number): readonly number[] {
  const top = Math.max(...logProbabilities);
  if (logProbabilities.length !== count || !Number.isFinite(top)) {
    throw new InferenceError(
      'model_failed',
      `expected ${String(count)} log-probabilities, one of them finite, got ${String(logProbabilities.length)} with maximum ${String(top)}`,
    );
  }
  const weights = logProbabilities.map((one) => Math.exp(one - top));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

function byAnswer<L extends string>(
  backend: ModelBackend,
  turns: readonly ChatTurn[],
  labels: readonly L[],
  ctx: CallContext | undefined,
): Observable<Classification<L>> {
  // an object, since strict modes refuse a bare string at the root
  const jsonSchema: JsonSchema = {
    type: 'object',
    properties: { label: { type: 'string', enum: labels } },
    required: ['label'],
    additionalProperties: false,
  };
  const list = labels.map((label) => JSON.stringify(label)).join(', ');
  const asked = withInstruction(turns, `Answer with JSON, {"label": …}, and no other text. The label is one of: ${list}.`);
  const longest = Math.max(...labels.map((label) => Buffer.byteLength(JSON.stringify(label)))); // no token is shorter than a byte
  const options = { maxTokens: longest + wrapping, temperature: 0, ...(backend.capabilities.jsonSchema ? { jsonSchema } : {}) };
  return backend.chat(asked, options, ctx).pipe(
    collect(),
    concatMap((reply) => {
      const label = labelIn(reply, labels);
      if (label === undefined) return throwError(() => unusable(reply));
      return of({ label, confidence: 1, probabilities: undefined, usage: reply.usage, model: reply.model ?? backend.name });
    }),
  );
}

/** The label in `{"label": …}`, or alone, as a back end without a grammar may give it: exact, else the only one but for case. */
function labelIn<L extends string>({ text, finishReason }: Reply, labels: readonly L[]): L | undefined {
  const quoted = /"label"\s*:\s*("(?:[^"\\]|\\.)*")/.exec(text)?.[1];
  if (quoted === undefined && finishReason === 'length') return undefined; // bare text that was cut may be the beginning of another label
  const said = (quoted === undefined ? text : unquoted(quoted)).trim();
  const bare = said.replace(/^["'`]|["'`.]+$/g, '');
  const exact = labels.find((label) => label.trim() === said) ?? labels.find((label) => label.trim() === bare);
  if (exact !== undefined) return exact;
  const near = labels.filter((label) => label.trim().toLowerCase() === bare.toLowerCase());
  return near.length === 1 ? near[0] : undefined;
}

function unquoted(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch {
    return text;
  }
}

function unusable({ text, finishReason }: Reply): InferenceError {
  if (finishReason === 'refused')
    return new InferenceError('answer_refused', 'expected a label, but the model declined, or its provider filtered it');
  if (text.trim() === '') return new InferenceError('answer_empty', 'expected a label, got an empty answer');
  if (finishReason === 'length')
    return new InferenceError('answer_truncated', 'expected a label, got an answer that was cut off before it');
  return new InferenceError('answer_invalid', `expected one of the labels, got ${String(text.length)} characters that are none`);
}
