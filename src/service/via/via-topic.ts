import { type OptionNames, requireMethods, requireOptions } from '../../check-options.ts';
import { requireInteger, requireText } from '../../errors.ts';
import type { Model } from '../../inference/model.ts';
import { topic as topicOf } from '../../pipeline.ts';
import type { Resource } from '../../resource.ts';
import type { Transport } from '../../transport/transport.ts';

export interface ViaTopicOptions {
  /** Where the topics are; it stays its owner's to close. */
  readonly transport: Transport;
  /** Name of the topic of requests; beside it are `.tokens`, `.control` and `.dead`. Missing ones are made. */
  readonly topic: string;
  /** The model that this process works with; without one it only asks, and waits for a worker at its start. @defaultValue none */
  readonly model?: Resource<Model>;
  /** Requests that this process works on at once, 1 to 4,096. @defaultValue as many as the model says it has places for, else 4 */
  readonly places?: number;
  /** Requests of this process that are on the topic at once, 1 to 100,000: what is more waits here, by shares and urgency. @defaultValue 64 */
  readonly maxOpen?: number;
  /** Of topics that are made: as many workers can share the load, 1 to 10,000. @defaultValue 16 */
  readonly partitions?: number;
}

const names: OptionNames<ViaTopicOptions> = { transport: true, topic: true, model: true, places: true, maxOpen: true, partitions: true };
/**
 * A model that is asked through topics, for `serveModels`: requests go onto one, workers in any process take them from there, and what they answer comes back by another, so that many
 * servers and many workers share the load, and a worker that dies in the midst of an answer is replaced: its answer begins anew, which its reader is told by a higher attempt.
 *
 * Each server reads what all workers tell. A request is done when its answer is in the log (at least once: after a death it is answered again). Who leaves takes the request back, and
 * the worker stops; so does it for a server that was not heard for 30 s. Holds `maxOpen` requests, and `places` answers as they are made.
 * @throws OptionError for options out of range; when it is opened, InferenceError `model_unavailable` without a model of its own where no worker tells of itself within 30 s.
 */
export function viaTopic(options: ViaTopicOptions): Resource<Model> {
  requireOptions('viaTopic', options, names);
  const { transport, topic, model, places, maxOpen = 64, partitions = 16 } = options;
  requireMethods('viaTopic.transport', transport, ['consume', 'produce'], 'kafka({ … }) or memory()');
  requireText('viaTopic.topic', topic);
  if (model !== undefined) requireMethods('viaTopic.model', model, ['open'], 'a model as a resource, as llama({ … }) is');
  if (places !== undefined) requireInteger('viaTopic.places', places, 1, 4_096);
  requireInteger('viaTopic.maxOpen', maxOpen, 1, 100_000);
  requireInteger('viaTopic.partitions', partitions, 1, 10_000);
  topicOf(topic); // says what is wrong with its name
  const resolved = { transport, topic, model, places, maxOpen, partitions };
  return { name: `via ${topic}`, open: async (context) => (await import('./open-via-topic.ts')).openViaTopic(context, resolved) };
}
