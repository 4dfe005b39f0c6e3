/** What both programs do with each record. */
export interface Order {
  readonly id: number;
  /** When it was produced, in ms. */
  readonly at: number;
  readonly text: string;
}

export const work = (order: Order): Order => ({ id: order.id, at: order.at, text: order.text });

/** What both programs are told. */
export interface Task {
  readonly brokers: readonly string[];
  readonly group: string;
  readonly input: string;
  readonly output: string;
  /** Ends by itself after so many; without it, when told to. */
  readonly records?: number;
  /** Of our program. @defaultValue 'at-least-once' */
  readonly delivery?: 'at-least-once' | 'exactly-once';
  /** Of the bare program; ours always is. */
  readonly idempotent: boolean;
}

/** From the first record taken to the last one acknowledged. */
export interface Throughput {
  readonly ms: number;
  readonly cpuUs: number;
}
