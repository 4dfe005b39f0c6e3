import type { Codec } from '../codec/codec.ts';
import { CodecError, isStreamError, messageOf } from '../errors.ts';
import { seenHeaders } from '../flow/origin.ts';
import type { Taken } from '../flow/owned.ts';
import type { Pipeline } from '../pipeline.ts';
import { type Envelope, openEnvelope } from '../record/envelope.ts';
import type { Settlement } from '../record/lineage.ts';
import { tooLate } from '../record/lost.ts';
import { formatPartition, formatPosition } from '../record/record.ts';
import { readContext } from '../record/record-context.ts';
import type { Stats } from './stats.ts';

/** The first envelope of a record, or undefined when its bytes are no value, or nobody wants its answer any more: then it has failed. */
export function decodeEnvelope(
  pipeline: Pipeline,
  taken: Taken,
  settlement: Settlement,
  stats: Pick<Stats, 'contextIgnored'>,
): Envelope<unknown, unknown> | undefined {
  const { record, partition, origin } = taken;
  const { position } = settlement;
  try {
    if (record.undecodable) throw undecodable(taken);
    if (taken.refusal) throw taken.refusal;
    if (partition.isDelayed && !origin) throw new CodecError('decode_failed', 'a record in a retry topic does not say where it comes from');
    const topic = topicNamed(pipeline, position.topic);
    if (!topic) throw new CodecError('decode_failed', `topic ${position.topic} is no input of pipeline ${pipeline.name}`);
    const { key: rawKey } = record;
    const { headers: raw, timestampMs } = origin ?? record;
    const headers = seenHeaders(raw);
    const { context, ignored } = readContext(headers);
    stats.contextIgnored += ignored;
    settlement.limit(context.deadlineMs);
    if (context.deadlineMs !== undefined && settlement.isTooLate) {
      settlement.add(0).settle('failed', tooLate(position));
      return undefined;
    }
    const [value, key] = [topic.value.decode(record.value), decodeKey(topic.key, rawKey)];
    return openEnvelope({ value, key, rawKey, headers, timestampMs, position, context }, settlement);
  } catch (error) {
    const at = formatPosition(position);
    const code = isStreamError(error) ? error.code : 'decode_failed';
    settlement.add(0).settle('failed', new CodecError(code, `record ${at}: ${messageOf(error)}`, { cause: error, position: at }));
    return undefined;
  }
}

/** Whoever reads of a record that was refused looks at its value first. */
export function decodeKey<K>(codec: Codec<K>, rawKey: Uint8Array | null): K {
  try {
    return codec.decode(rawKey);
  } catch (error) {
    throw new CodecError(isStreamError(error) ? error.code : 'decode_failed', `its key: ${messageOf(error)}`, { cause: error });
  }
}

function topicNamed({ inputs }: Pipeline, name: string): Pipeline['inputs'][string] | undefined {
  for (const field in inputs) if (inputs[field]?.name === name) return inputs[field]; // for every record: no list is made
  return undefined;
}

function undecodable({ record, partition }: Taken): CodecError {
  const { firstOffset = record.offset, reason = 'unknown', bytes = 0 } = record.undecodable ?? {};
  const range = `offsets ${String(firstOffset)} to ${String(record.offset)} of ${formatPartition(partition)}`;
  return new CodecError('undecodable_batch', `${range} (${String(bytes)} bytes) cannot be read: ${reason}`);
}
