/** What a worker of a group is told. */
export interface Case {
  readonly brokers: readonly string[];
  readonly group: string;
  readonly input: string;
  readonly output: string;
  readonly concurrency: number;
  /** Of one call: between these. */
  readonly latencyMs: readonly [least: number, most: number];
  /** The first attempt of one record in so many fails and is tried again; 0 for none. */
  readonly retriedEvery: number;
  /** Calls are made for batches of at most so many; 0: for each record. */
  readonly batchOf: number;
  /** Outputs lose their key, so that they may go to any partition. */
  readonly keyless: boolean;
  readonly sessionTimeoutMs: number;
}

/** The case, and where this worker writes down its calls. */
export interface WorkerCase extends Case {
  readonly who: string;
  readonly callLog: string;
}

/** What flows: a number that no other record has. */
export interface Item {
  readonly id: number;
}

/** The usual worker; proofs change what they are about. */
export const plainCase: Omit<Case, 'brokers' | 'group' | 'input' | 'output'> = {
  concurrency: 64,
  latencyMs: [1, 50],
  retriedEvery: 0,
  batchOf: 0,
  keyless: false,
  sessionTimeoutMs: 2_000,
};
