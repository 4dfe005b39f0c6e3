/** What a record may come to, as its pipeline was meant: worked out from a plan, from a calm run or by the user, never from the run that is judged. */
export interface Expected {
  /** The parts of the record that reach an output; one that is there twice is written twice. */
  readonly outputs: readonly string[];
  /** Codes that its dead letter may carry; empty: it must not have one. */
  readonly codes: readonly string[];
  /** It has no other way to end than a dead letter. */
  readonly mustFail: boolean;
}

/**
 * Something that was seen from outside the engine, in the order it happened. Records have numbers, logs are
 * `topic/partition`, apps (the members of the group, each a process of its own) are counted from 0.
 */
export type Event =
  /** What is promised; the first event of a history. Without it: at least once. */
  | { readonly kind: 'promised'; readonly delivery: 'at-least-once' | 'exactly-once' }
  | {
      readonly kind: 'input';
      readonly record: number;
      readonly log: string;
      readonly offset: number;
      readonly bytes: number;
      /** Records of one lane may not overtake each other; undefined: no order. */
      readonly lane: string | undefined;
      /** Without a key an output goes to another partition each time it is written. */
      readonly keyed: boolean;
      readonly expected: Expected;
    }
  /** The broker's bytes for these offsets have reached the app. */
  | { readonly kind: 'delivered'; readonly app: number; readonly epoch: number; readonly log: string; readonly offsets: readonly number[] }
  /**
   * A record that failed stands in a retry topic and has reached an app for the first time. `round`: the runs that came by
   * a retry topic, with this one; `at`: its place there (`topic/partition@offset`); `dueMs`: no run may begin before.
   */
  | {
      readonly kind: 'copy';
      readonly record: number;
      readonly log: string;
      readonly offset: number;
      readonly at: string;
      readonly round: number;
      readonly dueMs: number;
    }
  /** `process` was given the record. `from`: the place of its copy, where it came by a retry topic, and when it was given. */
  | {
      readonly kind: 'emitted';
      readonly app: number;
      readonly epoch: number;
      readonly record: number;
      readonly from?: string;
      readonly atMs?: number;
    }
  /** `process` was built, by the start or after an end. */
  | { readonly kind: 'built'; readonly app: number }
  /** `together`: a call for a batch, which goes on as long as one of its members is wanted. */
  | {
      readonly kind: 'call';
      readonly app: number;
      readonly record: number;
      readonly part: string;
      readonly step: 'start' | 'end';
      readonly together: boolean;
    }
  /**
   * The producer was told that the output stands in its log at `at` (`topic/partition@offset`); `part` undefined: it is the
   * record's dead letter. `transaction`: whether readers see it is decided by that transaction's end.
   */
  | {
      readonly kind: 'acked';
      readonly app: number;
      readonly record: number;
      readonly part: string | undefined;
      readonly at?: string;
      readonly transaction?: string;
    }
  /** The producer was told that the record stands in a retry topic, for its run number `round`. */
  | {
      readonly kind: 'postponed';
      readonly app: number;
      readonly record: number;
      readonly round: number;
      readonly transaction?: string;
    }
  /** A send of it has failed: nobody knows whether it was written. */
  | { readonly kind: 'unanswered'; readonly app: number; readonly record: number; readonly part: string | undefined }
  /** `asked`: its commit is asked for, and nobody knows yet, or ever, what became of it. */
  | { readonly kind: 'ended'; readonly transaction: string; readonly outcome: 'asked' | 'committed' | 'aborted' }
  /** What the group has stored: where to go on, and which offsets above that are completed. */
  | { readonly kind: 'commit'; readonly log: string; readonly offset: number; readonly completed: readonly number[] }
  /** The app begins to own a partition, and has read what the group had stored for it. */
  | { readonly kind: 'assigned'; readonly app: number; readonly log: string; readonly epoch: number }
  /** What an app may have in flight. */
  | { readonly kind: 'caps'; readonly app: number; readonly records: number; readonly bytes: number }
  /** The app has to let go of a partition: what it has of it in flight may be given back. */
  | { readonly kind: 'let-go'; readonly app: number; readonly log: string }
  /** What a reader of committed records sees at the end, in its order. `record` undefined: nobody knows where it comes from. */
  | { readonly kind: 'output'; readonly log: string; readonly record: number | undefined; readonly part: string; readonly at?: string }
  /** A dead letter that such a reader sees; `log` and `offset` are the source's, as the letter names them. */
  | { readonly kind: 'letter'; readonly log: string; readonly offset: number; readonly code: string; readonly at?: string }
  | { readonly kind: 'fault'; readonly name: FaultName; readonly app?: number }
  | { readonly kind: 'held'; readonly app: number; readonly what: string; readonly count: number; readonly most: number }
  | { readonly kind: 'left'; readonly what: string; readonly count: number }
  | { readonly kind: 'broken'; readonly why: string };

export type EventOf<K extends Event['kind']> = Event & { readonly kind: K };

/** What can be done to a run; each explains some irregularities and no others. */
export type FaultName = MemberFault | BrokerFault | ModelFault | RegistryFault;

export type RegistryFault =
  /** The registries of the codecs' schemas cannot be reached for a while. */
  'registry-down';

/** Members of the group come and go, each a process of its own. */
export type MemberFault =
  /** One more joins. */
  | 'joined'
  /** One drains, with all the time it needs, and leaves. */
  | 'left'
  /** One drains with little time: what is not finished is given back. */
  | 'left-in-haste'
  /** One is gone without a word, as by kill -9. */
  | 'crashed'
  /** The group throws one out, as after the end of its session; it learns of it later, and joins again. */
  | 'expelled'
  /** One stands still, as by SIGSTOP or a sleeping laptop: for it, the clock jumps. Beyond the session it is thrown out meanwhile. */
  | 'paused'
  /** Not to be asked for: what `joined` and `left` are when time is short, so that work in flight is given back. */
  | 'moved-in-haste';

export type BrokerFault =
  /** It cannot be reached for a while. */
  | 'down'
  /** Sends fail, and nothing was written. */
  | 'send-lost'
  /** Sends fail, and all was written. */
  | 'send-written'
  /** Commits fail, and nothing was stored. */
  | 'commit-lost'
  /** Commits fail, and all was stored. */
  | 'commit-stored'
  /** Commits of transactions fail, and nothing was committed. */
  | 'transaction-lost'
  /** Commits of transactions fail, and all was committed. */
  | 'transaction-committed'
  /** Requests of transactions reach it late, so that another owner's may come between. */
  | 'slow-transactions'
  /** What a transaction has committed is seen late. */
  | 'slow-markers'
  /** Answers come late. */
  | 'slow-acks'
  /** Fetches come late. */
  | 'slow-fetches';

export type ModelFault =
  /** For a while every call is refused with 429. */
  | 'storm-429'
  /** For a while every call fails with 500. */
  | 'storm-5xx';
