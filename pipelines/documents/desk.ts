import type { DocumentSource } from 'millrace';
import type { DocumentReference, DocumentResult } from './document.ts';

export interface DeskOptions {
  readonly run: string;
  readonly order: 'input' | 'completion';
  /** Documents between being taken and being written, at most. */
  readonly window: number;
  /** Takes answers, each once, in the order that was asked for. */
  readonly write: (result: DocumentResult) => void;
}

/**
 * Who is on the way: documents that were taken from the input and whose answer is not written yet. Each has one answer, however often it is delivered. Holds `window` sources and answers.
 */
export class Desk {
  readonly #options: DeskOptions;
  readonly #open = new Map<number, DocumentSource>();
  /** Answers that wait for one before them. */
  readonly #early = new Map<number, DocumentResult>();
  #taken = 0;
  #written = 0;
  #freed: PromiseWithResolvers<undefined> | undefined;

  constructor(options: DeskOptions) {
    this.#options = options;
  }

  get taken(): number {
    return this.#taken;
  }

  get isEmpty(): boolean {
    return this.#written === this.#taken;
  }

  /** Documents without an answer. */
  get unanswered(): number {
    return this.#open.size;
  }

  /** Resolves when there is a place: at once, or with a write. */
  async place(): Promise<void> {
    while (this.#taken - this.#written >= this.#options.window) await (this.#freed ??= Promise.withResolvers<undefined>()).promise;
  }

  take(source: DocumentSource): DocumentReference {
    const reference = { run: this.#options.run, place: this.#taken, id: source.id };
    this.#open.set(this.#taken, source);
    this.#taken += 1;
    return reference;
  }

  sourceOf({ place }: Pick<DocumentReference, 'place'>): DocumentSource | undefined {
    return this.#open.get(place);
  }

  /** False: it is of another run, or was answered before. */
  answer(result: DocumentResult): boolean {
    if (result.run !== this.#options.run || !this.#open.delete(result.place)) return false;
    if (this.#options.order === 'completion') this.#write(result);
    else {
      this.#early.set(result.place, result);
      for (let next = this.#early.get(this.#written); next; next = this.#early.get(this.#written)) {
        this.#early.delete(this.#written);
        this.#write(next);
      }
    }
    return true;
  }

  /** Writes what waits for answers that will not come: when the run ends before its input. */
  giveUp(): void {
    for (const result of [...this.#early.values()].sort((a, b) => a.place - b.place)) this.#options.write(result);
    this.#early.clear();
  }

  #write(result: DocumentResult): void {
    this.#options.write(result);
    this.#written += 1;
    this.#freed?.resolve(undefined);
    this.#freed = undefined;
  }
}
