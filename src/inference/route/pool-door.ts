import type { Observable } from 'rxjs';
import { Disposal } from '../internal/disposal.ts';
import { turnsOf, withTurns } from '../internal/prompt.ts';
import { slotsOf } from '../internal/slots-of.ts';
import type { Model, PreparedPrompt, Prompt } from '../model.ts';

type Calls = Pick<Model, 'chat' | 'complete' | 'answer' | 'classify' | 'embed' | 'rerank' | 'infer' | 'countTokens'>;

/** How calls come into a pool: as they were given, whatever becomes of the arguments afterwards, and no longer than the pool is there. */
export class PoolDoor {
  readonly #disposal: Disposal;

  constructor(name: string) {
    this.#disposal = new Disposal(name);
  }

  /** @throws OptionError for what is no prompt. */
  calls(asked: Calls): Calls {
    return {
      chat: (prompt, options, ctx) => this.through(asked.chat(asGiven(prompt), { ...options }, ctx)),
      complete: (text, options, ctx) => this.through(asked.complete(text, { ...options }, ctx)),
      answer: (prompt, options, ctx) => this.through(asked.answer(asGiven(prompt), { ...options }, ctx)),
      classify: (prompt, options, ctx) => this.through(asked.classify(asGiven(prompt), { ...options }, ctx)),
      embed: (texts, ctx) => this.through(asked.embed(copied(texts), ctx)),
      rerank: (query, documents, ctx) => this.through(asked.rerank(query, copied(documents), ctx)),
      infer: (inputs, ctx) => this.through(asked.infer(copied(inputs), ctx)),
      countTokens: (prompt) => this.through(asked.countTokens(asGiven(prompt))),
    };
  }

  /** Ends with the pool. */
  through<T>(call: Observable<T>): Observable<T> {
    return call.pipe(this.#disposal.until());
  }

  /** From now on nothing goes on, and nothing begins. */
  end(): void {
    this.#disposal.end();
  }
}

/** The prompt as it is now; what stands in its slots is still known. @throws OptionError for what is none. */
export function asGiven(prompt: Prompt): Prompt {
  if (typeof prompt === 'string') return prompt;
  const copy = withTurns(prompt, turnsOf(prompt));
  const slots = slotsOf.get(prompt as PreparedPrompt);
  if (slots) slotsOf.set(copy as PreparedPrompt, slots);
  return copy;
}

/** What is no list is refused by who takes it. */
const copied = <T>(list: readonly T[]): readonly T[] => (Array.isArray(list) ? [...(list as readonly T[])] : list);

/** Closes the door before the models behind it go. */
export const closing =
  (door: PoolDoor, close: () => Promise<void>): (() => Promise<void>) =>
  () => {
    door.end();
    return close();
  };
