import { currentScope, inScope, scopeOf } from '../../call.ts';
import type { CancelTimer } from '../../clock.ts';
import { messageOf, PipelineError } from '../../errors.ts';
import type { Opened, OpenContext } from '../../resource.ts';
import type { Model } from '../model.ts';
import type { MemberSpec } from './route-options.ts';

const firstRetryMs = 1_000;
const longestRetryMs = 60_000;

export interface MemberHooks {
  /** For messages. */
  readonly pool: string;
  readonly joined: (index: number, model: Model) => void;
}

/**
 * Opens the models of a pool, all at once. Resolves when those that have to be are open, and one at least is; the others are opened on the way, and tried again. The
 * result closes all that is open, and gives up what is not.
 * @throws PipelineError `resource_failed` for the first that has to be open and cannot, or where none can; what was opened is closed then.
 */
export async function openMembers(specs: readonly MemberSpec[], context: OpenContext, hooks: MemberHooks): Promise<() => Promise<void>> {
  const members = specs.map((spec, index) => new OpeningMember(spec, index, context, hooks));
  const close = async (): Promise<void> => {
    await Promise.all(members.map((one) => one.close()));
  };
  const giveUp = (): void => void close();
  context.signal.addEventListener('abort', giveUp, { once: true });
  try {
    const firsts = members.map((one) => one.first);
    await Promise.all(firsts.filter((_, index) => specs[index]?.optional === false));
    await anyOf(hooks.pool, firsts);
    context.signal.throwIfAborted();
    return close;
  } catch (error) {
    await close();
    throw error;
  } finally {
    context.signal.removeEventListener('abort', giveUp);
  }
}

async function anyOf(pool: string, firsts: readonly Promise<void>[]): Promise<void> {
  try {
    await Promise.any(firsts);
  } catch (error) {
    const reasons = error instanceof AggregateError ? error.errors : [error];
    const text = `none of the models of ${pool} can be opened: ${reasons.map(messageOf).join('; ')}`;
    throw new PipelineError('resource_failed', text, { cause: reasons[0] });
  }
}

/** One model: its first opening, and, where it may be missing, the next ones. */
class OpeningMember {
  /** Rejects where the first opening fails. */
  readonly first: Promise<void>;
  readonly #spec: MemberSpec;
  readonly #index: number;
  readonly #context: OpenContext;
  readonly #hooks: MemberHooks;
  readonly #random = currentScope().random;
  readonly #over = new AbortController();
  #opening: Promise<Opened<Model> | undefined>;
  #failures = 0;
  #cancelRetry: CancelTimer | undefined;

  constructor(spec: MemberSpec, index: number, context: OpenContext, hooks: MemberHooks) {
    this.#spec = spec;
    this.#index = index;
    this.#context = context;
    this.#hooks = hooks;
    const first = this.#open();
    this.first = first.then(() => undefined);
    this.first.catch(() => undefined); // another may have ended the start already
    this.#opening = this.#tolerated(first);
  }

  async close(): Promise<void> {
    this.#cancelRetry?.();
    this.#over.abort(new DOMException('the pool of models is closed', 'AbortError'));
    await (await this.#opening)?.close();
  }

  async #open(): Promise<Opened<Model>> {
    const { resource, rules } = this.#spec;
    const { clock, log } = this.#context;
    const context: OpenContext = {
      clock,
      signal: this.#over.signal,
      log: (level, message, details) => log(level, message, { model: rules.name, ...details }),
    };
    try {
      const opened = await inScope(scopeOf(clock), () => resource.open(context));
      if (!this.#over.signal.aborted) this.#hooks.joined(this.#index, opened.value);
      return opened;
    } catch (error) {
      const text = `model ${rules.name} of ${this.#hooks.pool} cannot be opened: ${messageOf(error)}`;
      throw new PipelineError('resource_failed', text, { cause: error });
    }
  }

  async #tolerated(opening: Promise<Opened<Model>>): Promise<Opened<Model> | undefined> {
    try {
      return await opening;
    } catch (error) {
      if (this.#spec.optional && !this.#over.signal.aborted) this.#tryAgain(error);
      return undefined;
    }
  }

  #tryAgain(error: unknown): void {
    const { clock, log } = this.#context;
    const longestMs = Math.min(longestRetryMs, firstRetryMs * 2 ** Math.min(this.#failures, 30));
    this.#failures += 1;
    const waitMs = (longestMs * (1 + this.#random())) / 2;
    log('warn', `${messageOf(error)}; the pool goes on without it, next try in ${String(Math.ceil(waitMs))} ms`);
    this.#cancelRetry = clock.schedule(waitMs, () => {
      this.#opening = this.#tolerated(this.#open());
    });
  }
}
