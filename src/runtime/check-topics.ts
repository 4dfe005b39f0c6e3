import { OptionError, TransportError } from '../errors.ts';
import type { Pipeline } from '../pipeline.ts';
import type { Transport } from '../transport/transport.ts';
import type { StartPatience } from './start-patience.ts';

/** The names of a pipeline's topics. */
export interface PipelineTopics {
  readonly inputs: readonly string[];
  /** Dead letters included. */
  readonly outputs: readonly string[];
  /** Retry topics: read and written. */
  readonly waiting: readonly string[];
}

export function topicsOf({ inputs, outputs, deadLetter, retryTopics }: Pipeline): PipelineTopics {
  const namesOf = (topics: readonly { readonly name: string }[]): readonly string[] => [...new Set(topics.map(({ name }) => name))];
  return {
    inputs: namesOf(Object.values(inputs)),
    outputs: namesOf([...Object.values(outputs), ...(deadLetter === 'stop' ? [] : [deadLetter])]),
    waiting: namesOf(retryTopics),
  };
}

/**
 * Creates the topics that are missing, if that is wanted, and looks whether failed records would last where they go: in a compacted
 * topic those of one key delete each other. A log that is away is waited for.
 * @throws TransportError `unknown_topic`, OptionError for a compacted topic, both naming the remedy
 */
export async function checkTopics(
  pipeline: Pipeline,
  {
    transport,
    createTopics,
  }: { readonly transport: Pick<Transport, 'describeTopics' | 'compactedTopics' | 'createTopics'>; readonly createTopics: boolean },
  patience: Pick<StartPatience, 'answered' | 'done'>,
): Promise<void> {
  const { inputs, outputs, waiting } = topicsOf(pipeline);
  const names = [...new Set([...inputs, ...outputs, ...waiting])];
  const found = await patience.answered(() => transport.describeTopics(names, { patienceMs: 0 }));
  const missing = names.filter((name) => !found.has(name));
  if (missing.length > 0 && !createTopics) throw missingTopics(missing);
  if (missing.length > 0) await patience.done(() => transport.createTopics(missing.map((name) => ({ name }))));
  const { deadLetter } = pipeline;
  const failing = [...waiting, ...(deadLetter === 'stop' ? [] : [deadLetter.name])];
  const compacted = failing.length === 0 ? undefined : await patience.answered(async () => transport.compactedTopics?.(failing));
  for (const name of compacted ?? []) throw compactedTopic(name, waiting.includes(name));
}

function missingTopics(missing: readonly string[]): TransportError {
  const [what, verb] = missing.length === 1 ? ['topic', 'does'] : ['topics', 'do'];
  return new TransportError(
    'unknown_topic',
    `${what} ${missing.join(', ')} ${verb} not exist; create with --create-topics (createTopics: true), or with your broker's tools`,
  );
}

const compactedTopic = (name: string, isRetry: boolean): OptionError =>
  new OptionError(
    `topic ${name}, for ${isRetry ? 'records that wait to run again' : 'dead letters'}, is compacted: those of one key would delete each other; set its cleanup.policy to delete, or name another topic`,
  );
