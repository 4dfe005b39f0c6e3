import { map, type Observable, of } from 'rxjs';
import { InferenceError } from '../../errors.ts';
import type { ChatTurn, Usage } from '../model.ts';
import { addUsage, noUsage } from './collect.ts';

/** How likely the labels are, as the answer's beginning. */
export interface Seen {
  readonly logProbabilities: readonly number[];
  readonly usage: Usage;
}

/** `wasKnown`: nobody was asked. */
export interface Leaning extends Seen {
  readonly wasKnown: boolean;
}

const mostKept = 64;

/** What a model leans to where there is nothing to judge, by prompt and labels. Holds the 64 that were asked for last, a number a label. */
export class Leanings {
  readonly #kept = new Map<string, readonly number[]>();

  /** Emits once; with no usage where it is known already. */
  of(empty: readonly ChatTurn[], labels: readonly string[], ask: (empty: readonly ChatTurn[]) => Observable<Seen>): Observable<Leaning> {
    const key = JSON.stringify([labels, empty.map(({ role, content }) => [role, content])]);
    const known = this.#kept.get(key);
    if (known) {
      this.#keep(key, known);
      return of({ logProbabilities: known, usage: noUsage, wasKnown: true });
    }
    return ask(empty).pipe(
      map((seen) => {
        const told = requireFinite(seen.logProbabilities, labels.length);
        this.#keep(key, told);
        return { logProbabilities: told, usage: seen.usage, wasKnown: false };
      }),
    );
  }

  #keep(key: string, value: readonly number[]): void {
    this.#kept.delete(key); // so that it is the last
    this.#kept.set(key, value);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= mostKept) return;
      this.#kept.delete(oldest);
    }
  }
}

/** A label that was not told of is taken for as likely as the least that was: it is less likely, nobody knows by how much. */
function requireFinite(logProbabilities: readonly number[], labels: number): readonly number[] {
  const told = logProbabilities.filter(Number.isFinite);
  if (told.length === 0 || logProbabilities.length !== labels || logProbabilities.some(Number.isNaN))
    throw new InferenceError('model_failed', `expected ${String(labels)} log-probabilities of a calibration, one of them finite`);
  const least = Math.min(...told);
  return logProbabilities.map((one) => Math.max(one, least));
}

/** What is left of an answer when the leaning is taken out. */
export const without = (leaning: Seen, { logProbabilities, usage }: Seen): Seen => ({
  logProbabilities: logProbabilities.map((one, index) => one - (leaning.logProbabilities[index] ?? 0)),
  usage: addUsage(leaning.usage, usage),
});
