/** What the worker is told. */
export interface Case {
  readonly brokers: readonly string[];
  readonly input: string;
  readonly output: string;
  readonly sessionTimeoutMs: number;
  /** Without it a writer is opened, and fences, with its first transaction only: what kafkajs does by itself. */
  readonly isFenced: boolean;
}

export interface Item {
  readonly id: number;
}

/** The log has refused this transaction: another owner has taken its place. */
export interface Refused {
  readonly name: string;
}

/** The worker stands still in the middle of a transaction, its records and its offset written and not committed. */
export interface InWindow {
  readonly partition: number;
}

/** It was given a partition, and has read what is committed for it. */
export interface Assigned {
  readonly partitions: readonly number[];
}

/** Of an output: the transaction that wrote it. */
export const transactionHeader = 'transaction';
