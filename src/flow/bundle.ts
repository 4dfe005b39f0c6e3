import type { Part, Root } from '../record/part.ts';
import { type OutputRecord, recordBytes } from '../record/record.ts';
import type { Failure } from './failure-story.ts';
import type { Taken } from './owned.ts';
import type { Load } from './transaction.state.ts';

/** An output that waits for its transaction. */
export interface PendingOutput {
  readonly topic: string;
  readonly partition: number;
  readonly record: OutputRecord;
  readonly part: Part;
  /** The records it descends from. */
  readonly roots: readonly Root[];
}

/**
 * Records that must be in one transaction, and their outputs: one record, or several of one partition from which an output
 * descends together. Complete when the pipeline is through with all of them. Holds their outputs until they are settled.
 */
export class Bundle implements Load {
  readonly takens: Taken[];
  readonly outputs: PendingOutput[] = [];
  /** Of the outputs. */
  bytes = 0;
  /** One of its records was given back: none of it is written. */
  isOver = false;
  /** Records that the pipeline is not through with. */
  #open = 1;
  /** What goes to topics outside of transactions and is not acknowledged. */
  #outside: Part[] = [];

  constructor(taken: Taken) {
    this.takens = [taken];
  }

  get records(): number {
    return this.takens.length;
  }

  get isComplete(): boolean {
    return this.#open === 0;
  }

  /** Whether nothing that belongs to it is still on its way to a topic outside of transactions. */
  get isReady(): boolean {
    if (this.#outside.length > 0) this.#outside = this.#outside.filter(({ live }) => live);
    return this.#outside.length === 0;
  }

  /** The pipeline is through with one of its records. */
  handed(): void {
    this.#open -= 1;
  }

  add(output: PendingOutput): void {
    this.outputs.push(output);
    this.bytes += recordBytes(output.record);
  }

  addOutside(part: Part): void {
    this.#outside.push(part);
  }

  /** Those of its records that have failed so far, each with the outputs that are written all the same. */
  failures(): readonly (readonly [Taken, Pick<Failure, 'error' | 'outputs'>])[] {
    return this.takens.flatMap((taken) => {
      const { settlement } = taken;
      const error = settlement?.failure;
      if (!settlement || !error) return [];
      const outputs = this.outputs.filter(({ part, roots }) => part.live && roots.includes(settlement));
      return [[taken, { error, outputs: outputs.map(({ topic, partition }) => ({ topic, partition, offset: 0n })) }] as const];
    });
  }

  /** Takes in another one, with everything it has. */
  join(other: Bundle): void {
    this.takens.push(...other.takens);
    this.outputs.push(...other.outputs);
    this.#outside.push(...other.#outside);
    this.bytes += other.bytes;
    this.#open += other.#open;
  }
}
