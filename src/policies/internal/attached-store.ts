import type { CallStore, OpenCallStore, StoredAnswers } from '../call-store.ts';
import type { LogUser, PipelineLog } from '../pipeline-log.ts';

type Tell = PipelineLog['trouble'];

/** A store that is open while a pipeline lends its log: that of the first, until the last has ended. */
export class AttachedStore implements LogUser {
  readonly #store: CallStore;
  readonly #into: StoredAnswers;
  readonly #users = new Set<Tell>();
  #opening: Promise<OpenCallStore> | undefined;
  #closing: Promise<unknown> = Promise.resolve();
  #why: string | undefined;
  /** Undefined while there is no log, and while it is read for the first time. */
  open: OpenCallStore | undefined;

  constructor(store: CallStore, into: StoredAnswers) {
    this.#store = store;
    this.#into = into;
  }

  async attach(log: PipelineLog): Promise<() => Promise<void>> {
    const tell: Tell = (why) => {
      log.trouble(why);
    };
    this.#users.add(tell);
    if (this.#why !== undefined) tell(this.#why);
    this.#opening ??= this.#begin(log);
    try {
      await this.#opening;
    } catch (error) {
      await this.#leave(tell);
      throw error;
    }
    return () => this.#leave(tell);
  }

  /** @param id of the one to be forgotten; undefined: all */
  forget(id: string | undefined): void {
    const { open } = this;
    if (!open) return;
    if (id === undefined) open.removeUntil(this.#nowMs());
    else open.remove(id, this.#nowMs());
  }

  #nowMs: () => number = () => 0;

  #begin(log: PipelineLog): Promise<OpenCallStore> {
    this.#nowMs = () => log.clock.nowMs();
    const trouble: Tell = (why) => {
      this.#why = why;
      for (const tell of this.#users) tell(why);
    };
    const opening = this.#closing.then(() => this.#store.open({ ...log, trouble }, this.#into));
    opening.then(
      (open) => {
        if (this.#opening === opening) this.open = open;
      },
      () => undefined,
    );
    return opening;
  }

  async #leave(tell: Tell): Promise<void> {
    if (!this.#users.delete(tell) || this.#users.size > 0) return;
    const opening = this.#opening;
    this.#opening = undefined;
    this.open = undefined;
    this.#why = undefined;
    this.#closing =
      opening?.then(
        (open) => open.close(),
        () => undefined,
      ) ?? Promise.resolve();
    await this.#closing;
  }
}
