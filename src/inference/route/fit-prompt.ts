import { map, type Observable, of } from 'rxjs';
import type { Slots } from '../internal/slots-of.ts';
import type { PreparedPrompt, Prompt } from '../model.ts';
import { type CutSide, cutTexts } from './cut-texts.ts';
import { concatInScope } from './spent.ts';

/** Counting again brings it nearer; each is a question to the model's tokenizer. */
const mostCounts = 8;
/** Of what seems to fit: texts are not equally dense all over. */
const caution = 0.97;

export interface Fitting {
  readonly countTokens: (prompt: Prompt) => Observable<number>;
  readonly slots: Slots;
  /** Most tokens of the whole prompt. */
  readonly target: number;
  readonly side: CutSide;
  /** Least share of the data that has to stay. */
  readonly atLeast: number;
}

/** Emits the prompt with so much of its data as fits, or undefined where too little would. */
export function fitPrompt({
  countTokens,
  slots: { texts, refilled },
  target,
  side,
  atLeast,
}: Fitting): Observable<PreparedPrompt | undefined> {
  const whole = texts.reduce((sum, { length }) => sum + length, 0);
  const attempt = (keep: number, fixed: number, counts: number): Observable<PreparedPrompt | undefined> => {
    if (counts > mostCounts || keep < 1 || keep < whole * atLeast) return of(undefined);
    const prompt = refilled(cutTexts(texts, keep, side));
    return countTokens(prompt).pipe(
      concatInScope((tokens) =>
        tokens <= target ? of(prompt) : attempt(Math.floor(caution * keep * ((target - fixed) / (tokens - fixed))), fixed, counts + 1),
      ),
    );
  };
  return countTokens(refilled(texts)).pipe(
    concatInScope((all) => countTokens(refilled(texts.map(() => ''))).pipe(map((fixed) => ({ all, fixed })))),
    concatInScope(({ all, fixed }) => {
      if (target <= fixed) return of(undefined);
      const keep = Math.floor(caution * whole * ((target - fixed) / Math.max(1, all - fixed)));
      return attempt(Math.min(keep, whole - 1), fixed, 0);
    }),
  );
}
