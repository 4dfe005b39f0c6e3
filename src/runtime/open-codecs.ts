import { inScope, scopeOf } from '../call.ts';
import type { Clock } from '../clock.ts';
import type { Codec, CodecUse, OpenCodec } from '../codec/codec.ts';
import { openCodec } from '../codec/open-codec.ts';
import { isRetryable, isStreamError, messageOf, PipelineError } from '../errors.ts';
import type { PendingOf } from '../flow/codec-waits.ts';
import type { Pipeline, Topic } from '../pipeline.ts';
import type { Log } from './logging.ts';
import type { Opening } from './opening.ts';
import type { StartPatience } from './start-patience.ts';

type AnyTopic = Topic<unknown, unknown>;

/** A codec of a topic, opened for one use. */
export interface OpenedCodec extends Pick<CodecUse, 'topic' | 'part' | 'direction'> {
  readonly codec: OpenCodec<unknown>;
}

/** A pipeline whose codecs are open, and those of them that had to be opened. */
export interface OpenedCodecs {
  readonly pipeline: Pipeline;
  readonly opened: readonly OpenedCodec[];
}

interface Surroundings {
  readonly clock: Clock;
  readonly random?: () => number;
  readonly log: Log;
}

/**
 * Opens the codecs of a pipeline's inputs and outputs, all at once. What is open is held, also when another cannot be opened; dead letters and retry topics take bytes as they are.
 * @throws PipelineError with the code of the first that cannot, or `resource_failed`
 */
export async function openCodecs(
  pipeline: Pipeline,
  { clock, random = Math.random, log }: Surroundings,
  opening: Pick<Opening, 'signal' | 'holdAsked'>,
  patience: Pick<StartPatience, 'opened'>,
): Promise<OpenedCodecs> {
  const wanted = [
    ...Object.values(pipeline.inputs).flatMap((topic) => usesOf(topic, 'in')),
    ...Object.values(pipeline.outputs).flatMap((topic) => usesOf(topic, 'out')),
  ];
  if (wanted.length === 0) return { pipeline, opened: [] };
  const opened: OpenedCodec[] = [];
  const missing = new Set(wanted);
  await patience.opened(async () => {
    const open = async (use: Use): Promise<void> => {
      opened.push({
        ...use,
        codec: await opening.holdAsked(openOne(use, { clock, random, log, signal: opening.signal }), (one) => one.close?.()),
      });
      missing.delete(use);
    };
    const ends = await Promise.allSettled([...missing].map(open));
    const errors = ends.flatMap((end): unknown[] => (end.status === 'rejected' ? [end.reason] : []));
    if (errors.length > 0) throw errors.find((error) => !isPassing(error)) ?? errors[0];
  });
  const inPlace = (topics: Readonly<Record<string, AnyTopic>>, direction: CodecUse['direction']): Readonly<Record<string, AnyTopic>> =>
    Object.fromEntries(Object.entries(topics).map(([name, topic]) => [name, withOpened(topic, direction, opened)]));
  return {
    pipeline: { ...pipeline, inputs: inPlace(pipeline.inputs, 'in') as Pipeline['inputs'], outputs: inPlace(pipeline.outputs, 'out') },
    opened,
  };
}

/** The codecs of one topic, opened for one direction; nothing holds them but their user. */
export async function openTopic<T, K>(
  topic: Topic<T, K>,
  direction: CodecUse['direction'],
  options: Surroundings & { readonly signal: AbortSignal },
): Promise<{ readonly topic: Topic<T, K>; readonly opened: readonly OpenedCodec[] }> {
  const opened: OpenedCodec[] = [];
  try {
    for (const use of usesOf(topic, direction)) opened.push({ ...use, codec: await openOne(use, options) });
  } catch (error) {
    await closeCodecs(opened);
    throw error;
  }
  return { topic: withOpened(topic, direction, opened) as Topic<T, K>, opened };
}

/** Whether any codec of a topic has to be opened before it is used. */
export const opens = (topic: { readonly value: { readonly open?: unknown }; readonly key: { readonly open?: unknown } }): boolean =>
  topic.value.open !== undefined || topic.key.open !== undefined;

export const closeCodecs = async (opened: readonly OpenedCodec[]): Promise<void> => {
  await Promise.allSettled(opened.map(async ({ codec }) => codec.close?.()));
};

/** What a record needs of codecs that may have to wait; undefined when none ever does. */
export function pendingOf(opened: readonly OpenedCodec[]): PendingOf | undefined {
  const waiting = opened.filter(({ direction, codec }) => direction === 'in' && codec.pending !== undefined);
  if (waiting.length === 0) return undefined;
  return (topic, record) => {
    const needed = waiting.flatMap((one) => (one.topic === topic ? (one.codec.pending?.(record[one.part]) ?? []) : []));
    return needed.length < 2 ? needed[0] : Promise.all(needed);
  };
}

type Use = Pick<CodecUse, 'topic' | 'part' | 'direction'> & { readonly codec: Codec<unknown> };

const usesOf = ({ name: topic, key, value }: AnyTopic, direction: CodecUse['direction']): readonly Use[] =>
  [{ topic, part: 'value', direction, codec: value } as const, { topic, part: 'key', direction, codec: key } as const].filter(
    ({ codec }) => codec.open !== undefined,
  );

function withOpened(topic: AnyTopic, direction: CodecUse['direction'], opened: readonly OpenedCodec[]): AnyTopic {
  const inPlaceOf = (part: CodecUse['part']): Codec<unknown> =>
    opened.find((one) => one.topic === topic.name && one.part === part && one.direction === direction)?.codec ?? topic[part];
  return { ...topic, value: inPlaceOf('value'), key: inPlaceOf('key') };
}

async function openOne(
  { topic, part, direction, codec }: Use,
  { clock, random = Math.random, log, signal }: Surroundings & { readonly signal: AbortSignal },
): Promise<OpenCodec<unknown>> {
  const use: CodecUse = {
    topic,
    part,
    direction,
    clock,
    random,
    signal,
    log: (level, message, details = {}) => {
      log[level]({ codec: codec.name, topic, part, ...details }, message);
    },
  };
  try {
    return await inScope(scopeOf(clock), () => openCodec(codec, use));
  } catch (error) {
    const text = `codec ${codec.name} of the ${part}s of topic ${topic} (${direction === 'in' ? 'read' : 'written'}) cannot be opened: ${messageOf(error)}`;
    throw new PipelineError(isStreamError(error) ? error.code : 'resource_failed', text, { cause: error });
  }
}

const isPassing = (error: unknown): boolean => isStreamError(error) && isRetryable(error.grade);
