/** What a record may come to, as its pipeline was meant; worked out from the plan, never from the engine. */
export interface Expected {
  /** Paths of every part that may reach an output. */
  readonly outputs: readonly string[];
  /** Codes that its dead letter may carry; empty: it must not have one. */
  readonly codes: readonly string[];
  /** It has no other way to end than a dead letter. */
  readonly mustFail: boolean;
}

/** Something that was seen from outside the engine, in the order it happened. */
export type Event =
  | {
      readonly kind: 'input';
      readonly id: number;
      readonly partition: number;
      readonly offset: number;
      readonly bytes: number;
      /** Records of one lane may not overtake each other; undefined: no order. */
      readonly lane: string | undefined;
      /** Without a key an output goes to another partition each time it is written. */
      readonly keyed: boolean;
      readonly expected: Expected;
    }
  /** `process` was given the record. */
  | { readonly kind: 'emitted'; readonly app: number; readonly epoch: number; readonly id: number }
  /** `process` was built, by the start or after an end. */
  | { readonly kind: 'built'; readonly app: number }
  /** `together`: a call for a batch, which goes on as long as one of its members is wanted. */
  | {
      readonly kind: 'call';
      readonly app: number;
      readonly id: number;
      readonly path: string;
      readonly step: 'start' | 'end';
      readonly together: boolean;
    }
  /** The producer was told that the output is written; `path` undefined: its dead letter. */
  | { readonly kind: 'acked'; readonly app: number; readonly id: number; readonly path: string | undefined }
  /** What the group has stored: where to go on, and which offsets above that are completed. */
  | { readonly kind: 'commit'; readonly partition: number; readonly offset: number; readonly completed: readonly number[] }
  /** The app begins to own a partition, and has read what the group had stored for it. */
  | { readonly kind: 'assigned'; readonly app: number; readonly partition: number; readonly epoch: number }
  /** What an app may have in flight. */
  | { readonly kind: 'caps'; readonly app: number; readonly records: number; readonly bytes: number }
  /** The app has to let go of a partition: what it has of it in flight may be given back. */
  | { readonly kind: 'let-go'; readonly app: number; readonly partition: number }
  /** What stands in the log at the end, in its order. */
  | { readonly kind: 'output'; readonly log: string; readonly id: number; readonly path: string }
  | { readonly kind: 'letter'; readonly partition: number; readonly offset: number; readonly code: string }
  | { readonly kind: 'fault'; readonly name: Fault; readonly app?: number }
  | {
      readonly kind: 'held';
      readonly app: number;
      readonly what: 'records' | 'bytes' | 'settled beyond';
      readonly count: number;
      readonly most: number;
    }
  | { readonly kind: 'left'; readonly what: string; readonly count: number }
  | { readonly kind: 'broken'; readonly why: string };

/** What was done to a run; each explains some irregularities and no others. */
export type Fault =
  | 'down'
  | 'send-lost'
  | 'send-written'
  | 'commit-lost'
  | 'commit-stored'
  | 'slow-acks'
  | 'slow-fetches'
  | 'expelled'
  | 'crashed'
  | 'joined'
  | 'left'
  | 'left-in-haste'
  | 'moved-in-haste';
