import { TransportError } from '../errors.ts';
import type { Pipeline } from '../pipeline.ts';
import type { Transport } from '../transport/transport.ts';

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

/** Creates the topics that are missing, if that is wanted. @throws TransportError `unknown_topic`, naming the remedy */
export async function checkTopics(
  pipeline: Pipeline,
  { transport, createTopics }: { readonly transport: Pick<Transport, 'describeTopics' | 'createTopics'>; readonly createTopics: boolean },
): Promise<void> {
  const { inputs, outputs, waiting } = topicsOf(pipeline);
  const names = [...new Set([...inputs, ...outputs, ...waiting])];
  const found = await transport.describeTopics(names);
  const missing = names.filter((name) => !found.has(name));
  if (missing.length === 0) return;
  if (createTopics) {
    await transport.createTopics(missing.map((name) => ({ name })));
    return;
  }
  const [what, verb] = missing.length === 1 ? ['topic', 'does'] : ['topics', 'do'];
  throw new TransportError(
    'unknown_topic',
    `${what} ${missing.join(', ')} ${verb} not exist; create with --create-topics (createTopics: true), or with your broker's tools`,
  );
}
