import type { ModelProcess } from './model-process.ts';
import type { Work, WorkEvent } from './protocol.ts';

interface Question {
  readonly process: number;
  readonly answer: (event: WorkEvent | undefined) => void;
}

/** What processes are asked about themselves, beside their works. Holds an entry for each question until its answer, or its process's end. */
export class ProcessQuestions {
  readonly #processes: readonly ModelProcess[];
  readonly #newId: () => number;
  readonly #open = new Map<number, Question>();
  #isClosed = false;

  constructor(processes: readonly ModelProcess[], newId: () => number) {
    this.#processes = processes;
    this.#newId = newId;
  }

  /** Of all that are at work, those that answer. */
  async askAll<T>(work: Work): Promise<readonly T[]> {
    const told = await Promise.all(this.#processes.map((_, index) => this.ask<T>(index, work)));
    return told.filter((one) => one !== undefined);
  }

  /** Whether an event is part of an answer. */
  answered(event: WorkEvent): boolean {
    if (!this.#open.has(event.id)) return false;
    if (event.kind !== 'text') this.#answer(event.id, event);
    return true;
  }

  /** A process has ended: it answers nothing any more. */
  gone(process: number): void {
    for (const [id, question] of [...this.#open]) if (question.process === process) this.#answer(id, undefined);
  }

  close(): void {
    this.#isClosed = true;
    for (const id of [...this.#open.keys()]) this.#answer(id, undefined);
  }

  /** Undefined where the process does not answer, or ends before it has. */
  ask<T>(process: number, work: Work): Promise<T | undefined> {
    if (this.#isClosed || this.#processes[process]?.phase !== 'ready') return Promise.resolve(undefined);
    const id = this.#newId();
    return new Promise((resolve) => {
      const answer = (event: WorkEvent | undefined): void => {
        resolve(event?.kind === 'done' ? (event.result as T) : undefined);
      };
      this.#open.set(id, { process, answer });
      this.#processes[process]?.tell({ kind: 'start', id, work });
    });
  }

  #answer(id: number, event: WorkEvent | undefined): void {
    this.#open.get(id)?.answer(event);
    this.#open.delete(id);
  }
}
