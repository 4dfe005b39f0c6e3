import { type OptionNames, requireMethods, requireOptions } from '../check-options.ts';
import { OptionError, requireInteger } from '../errors.ts';
import type { Transport } from '../transport/transport.ts';

/** Topics over HTTP. */
export interface ServedTopics {
  /** Where they are; it stays its owner's to close. */
  readonly transport: Transport;
  /** Those that clients may write. @defaultValue none */
  readonly produce?: readonly string[];
  /** Those that clients may read. @defaultValue none */
  readonly consume?: readonly string[];
  /** Readers at a time, 1 to 10,000; each is a consumer of its own. @defaultValue 64 */
  readonly maxReaders?: number;
}

export interface ResolvedTopics {
  readonly transport: Transport;
  readonly produce: ReadonlySet<string>;
  readonly consume: ReadonlySet<string>;
  readonly maxReaders: number;
}

const names: OptionNames<ServedTopics> = { transport: true, produce: true, consume: true, maxReaders: true };

/** @throws OptionError */
export function resolveTopics(given: ServedTopics): ResolvedTopics {
  requireOptions('topics', given, names);
  const { transport, produce = [], consume = [], maxReaders = 64 } = given;
  requireMethods('topics.transport', transport, ['consume', 'produce'], 'kafka({ … }) or memory()');
  requireInteger('topics.maxReaders', maxReaders, 1, 10_000);
  const all = { produce: namesOf('topics.produce', produce), consume: namesOf('topics.consume', consume) };
  if (all.produce.size + all.consume.size === 0) throw new OptionError('topics must name some that clients may produce to, or consume');
  return { transport, maxReaders, ...all };
}

function namesOf(at: string, given: readonly string[]): ReadonlySet<string> {
  if (!Array.isArray(given) || given.some((name) => typeof name !== 'string' || !/^[\w.-]{1,249}$/.test(name)))
    throw new OptionError(`${at} must be a list of names of topics`);
  return new Set(given);
}
