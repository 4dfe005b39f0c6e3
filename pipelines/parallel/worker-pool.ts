import { OptionError, RecordError } from 'millrace';
import type { IsolatedOptions } from './isolated-options.ts';
import type { Told } from './isolated-protocol.ts';
import { type IsolatedWorker, openWorker } from './isolated-worker.ts';

/** Who asked a worker, until it has answered. */
interface Asker {
  /** The worker is there, and begins: starting one takes time that is no fault of the task. */
  readonly begins: () => void;
  readonly answer: (result: unknown) => void;
  readonly fail: (error: Error) => void;
}

interface Slot {
  readonly worker: IsolatedWorker;
  isReady: boolean;
  task: (Asker & { readonly id: number }) | undefined;
}

/** Processes or threads, each with one task at a time. Whoever asks bounds how many there are. */
export class WorkerPool {
  readonly #module: URL;
  readonly #options: Required<IsolatedOptions>;
  readonly #idle: Slot[] = [];
  readonly #all = new Set<Slot>();
  #nextId = 0;
  #isClosed = false;

  constructor(module: URL, options: Required<IsolatedOptions>) {
    this.#module = module;
    this.#options = options;
  }

  /** The result kills the worker, if it has not answered: false when it has. */
  ask(input: unknown, context: unknown, asker: Asker): () => boolean {
    if (this.#isClosed) throw new OptionError('the isolated step was closed: close it after its engine');
    const slot = this.#idle.pop() ?? this.#open();
    const id = this.#nextId;
    this.#nextId += 1;
    slot.task = { id, ...asker };
    try {
      slot.worker.ask({ id, input, context });
    } catch (error) {
      slot.task = undefined;
      this.#release(slot);
      // what cannot be copied, a function for one
      throw new RecordError(
        'project_threw',
        `expected an input that can be copied to the isolated step, got one that cannot: ${String(error)}`,
      );
    }
    if (slot.isReady) asker.begins();
    return () => {
      if (slot.task?.id !== id) return false;
      this.#kill(slot);
      return true;
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const left = [...this.#all];
    for (const slot of left) this.#lost(slot, 'it was closed');
    await Promise.all(left.map(({ worker }) => worker.kill()));
  }

  #open(): Slot {
    const slot: Slot = {
      isReady: false,
      task: undefined,
      worker: openWorker(this.#module, this.#options, {
        told: (told) => this.#told(slot, told),
        ended: (why) => this.#lost(slot, why),
      }),
    };
    this.#all.add(slot);
    return slot;
  }

  #told(slot: Slot, told: Told): void {
    const { task } = slot;
    if ('isReady' in told) {
      if (!slot.isReady) task?.begins();
      slot.isReady = true;
      return;
    }
    if (task?.id !== told.id) return;
    slot.task = undefined;
    this.#release(slot);
    if ('error' in told) task.fail(new RecordError('project_threw', `the isolated step threw ${told.error.name}: ${told.error.message}`));
    else task.answer(told.result);
  }

  /** A process is used again, a thread is one task's. */
  #release(slot: Slot): void {
    if (this.#options.isolation === 'process' && !this.#isClosed) this.#idle.push(slot);
    else this.#kill(slot);
  }

  #lost(slot: Slot, why: string): void {
    const { task } = slot;
    this.#forget(slot);
    task?.fail(
      new RecordError(
        'call_failed',
        `the ${this.#options.isolation === 'process' ? 'process' : 'thread'} of the isolated step is gone: ${why}`,
      ),
    );
  }

  #kill(slot: Slot): void {
    this.#forget(slot);
    slot.worker.kill().catch(() => undefined); // gone already
  }

  #forget(slot: Slot): void {
    slot.task = undefined;
    this.#all.delete(slot);
    const at = this.#idle.indexOf(slot);
    if (at >= 0) this.#idle.splice(at, 1);
  }
}
