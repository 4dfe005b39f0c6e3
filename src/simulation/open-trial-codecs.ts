import type { CodecUse } from '../codec/codec.ts';
import type { Pipeline, Topic } from '../pipeline.ts';
import { silentLog } from '../runtime/logging.ts';
import { opens, openTopic } from '../runtime/open-codecs.ts';
import { virtualClock } from '../virtual-clock.ts';

type AnyTopic = Topic<unknown, unknown>;

/**
 * The pipeline with its codecs open the other way round: its inputs to be fed, its outputs to be looked at. In the time of nobody: what takes time to open, other than a
 * registry in memory, cannot be simulated.
 */
export async function openTrialCodecs(pipeline: Pipeline): Promise<Pipeline> {
  const options = { clock: virtualClock(), random: () => 0.5, log: silentLog, signal: new AbortController().signal };
  const open = async (topics: Readonly<Record<string, AnyTopic>>, direction: CodecUse['direction']): Promise<Record<string, AnyTopic>> => {
    const opened: Record<string, AnyTopic> = {};
    for (const [name, topic] of Object.entries(topics))
      opened[name] = opens(topic) ? (await openTopic(topic, direction, options)).topic : topic;
    return opened;
  };
  return { ...pipeline, inputs: (await open(pipeline.inputs, 'out')) as Pipeline['inputs'], outputs: await open(pipeline.outputs, 'in') };
}
