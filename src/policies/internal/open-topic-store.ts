import type { SourceRecord } from '../../record/record.ts';
import type { OpenCallStore, StoredAnswers } from '../call-store.ts';
import type { PipelineLog } from '../pipeline-log.ts';
import type { PolicyState } from '../policy-state.ts';
import { AnswerReader } from './answer-reader.ts';
import { AnswerWriter } from './answer-writer.ts';
import { allId, type AnswerForm, decodeAnswer, encodeAnswer, encodeRemoval } from './stored-answer.ts';

export interface OpenTopicStoreOptions {
  readonly topic: string;
  readonly form: AnswerForm;
  readonly maxPendingBytes: number;
  readonly log: PipelineLog;
  readonly into: StoredAnswers;
}

const mostForgotten = 10_000;

/** Answers in a topic: written as they come, read as they come. Holds what its writer and reader hold, and an entry for each key that is to be forgotten. */
export class OpenTopicStore implements OpenCallStore {
  readonly #options: OpenTopicStoreOptions;
  readonly #reader: AnswerReader;
  readonly #writer: AnswerWriter;
  readonly #troubles = new Map<'reading' | 'writing', string>();
  /** Until when the answers of a key are void; an answer of before may still come, until the removal itself does. */
  readonly #forgotten = new Map<string, number>();
  #allForgottenMs = -Infinity;
  readonly #counts = { read: 0, ignored: 0, unfit: 0 };
  #isRead = false;

  constructor(options: OpenTopicStoreOptions) {
    const { topic, maxPendingBytes, log } = options;
    this.#options = options;
    this.#writer = new AnswerWriter({ topic, maxPendingBytes, log, trouble: (why) => this.#trouble('writing', why) });
    const read = (record: SourceRecord): void => {
      this.#read(record);
    };
    this.#reader = new AnswerReader({ topic, log, read, trouble: (why) => this.#trouble('reading', why) });
    this.#reader.caughtUp.then(
      () => {
        this.#isRead = true;
      },
      () => undefined, // the trouble says so
    );
  }

  get caughtUp(): Promise<unknown> {
    return this.#reader.caughtUp;
  }

  put(id: string, values: readonly unknown[], atMs: number): void {
    const record = encodeAnswer(id, values, atMs, this.#options.form);
    if (record) this.#writer.put(id, record, false);
    else this.#counts.unfit += 1;
  }

  remove(id: string, atMs: number): void {
    this.#forgotten.set(id, atMs);
    for (const oldest of this.#forgotten.keys()) {
      if (this.#forgotten.size <= mostForgotten) break;
      this.#forgotten.delete(oldest);
    }
    this.#writer.put(id, encodeRemoval(id, atMs, this.#options.form.version), true);
  }

  removeUntil(atMs: number): void {
    this.#allForgottenMs = Math.max(this.#allForgottenMs, atMs);
    this.#writer.put(allId, encodeRemoval(allId, atMs, this.#options.form.version), true);
  }

  describe(): PolicyState {
    const { written, refused, dropped, failures } = this.#writer.counts;
    const reason = [...this.#troubles.values()].join('; ');
    return {
      name: 'store',
      kind: 'topic-store',
      used: this.#writer.pendingBytes,
      limit: this.#options.maxPendingBytes,
      waiting: 0, // no call ever waits for it
      ...(reason === '' ? {} : { reason }),
      numbers: {
        caught_up: this.#isRead ? 1 : 0,
        read_total: this.#counts.read,
        ignored_total: this.#counts.ignored,
        pending: this.#writer.pending,
        written_total: written,
        refused_total: this.#counts.unfit + refused,
        dropped_total: dropped,
        failures_total: failures,
      },
    };
  }

  async close(): Promise<void> {
    await Promise.all([this.#reader.close(), this.#writer.close()]);
  }

  /** In the order of the log, so that all who read it end with the same. */
  #read(record: SourceRecord): void {
    const { into, form, log } = this.#options;
    const nowMs = log.clock.nowMs(); // another's clock may be ahead
    const said = decodeAnswer(record, form);
    switch (said.kind) {
      case 'removed':
        this.#forgotten.delete(said.id);
        into.remove(said.id);
        break;
      case 'all-removed': {
        const untilMs = Math.min(said.atMs, nowMs);
        this.#allForgottenMs = Math.max(this.#allForgottenMs, untilMs);
        into.removeUntil(untilMs);
        break;
      }
      case 'answer': {
        if (said.atMs <= Math.max(this.#allForgottenMs, this.#forgotten.get(said.id) ?? -Infinity)) return;
        this.#counts.read += 1;
        into.put(said.id, said.values, Math.min(said.atMs, nowMs), nowMs);
        break;
      }
      case 'ignored':
        this.#counts.ignored += 1;
    }
  }

  #trouble(where: 'reading' | 'writing', why: string | undefined): void {
    if (this.#troubles.get(where) === why) return;
    if (why === undefined) this.#troubles.delete(where);
    else this.#troubles.set(where, why);
    const all = [...this.#troubles.values()];
    this.#options.log.trouble(
      all.length === 0
        ? undefined
        : `topic ${this.#options.topic}, of a cache of answers, ${all.join('; ')}; calls go on without it, and it is tried again`,
    );
  }
}
