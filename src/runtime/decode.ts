import { CodecError, isStreamError, messageOf } from '../errors.ts';
import type { Taken } from '../flow/owned.ts';
import type { Pipeline } from '../pipeline.ts';
import { type Envelope, openEnvelope } from '../record/envelope.ts';
import { recordError, type Settlement } from '../record/lineage.ts';
import { formatPosition } from '../record/record.ts';

/** The first envelope of a record, or undefined when its bytes are no value: then it has failed. */
export function decodeEnvelope(pipeline: Pipeline, taken: Taken, settlement: Settlement): Envelope<unknown, unknown> | undefined {
  const { record, partition } = taken;
  const { position } = settlement;
  const fail = (error: Error): undefined => {
    settlement.add(0).settle('failed', error);
  };
  if (record.undecodable) {
    const { firstOffset, reason, bytes } = record.undecodable;
    return fail(
      recordError(
        'undecodable_batch',
        `offsets ${String(firstOffset)} to ${String(record.offset)} of ${partition.topic}/${String(partition.partition)} (${String(bytes)} bytes) cannot be read: ${reason}`,
        position,
      ),
    );
  }
  const topic = Object.values(pipeline.inputs).find(({ name }) => name === partition.topic);
  if (!topic) return fail(recordError('decode_failed', `topic ${partition.topic} is no input of pipeline ${pipeline.name}`, position));
  try {
    const { key: rawKey, headers, timestampMs } = record;
    return openEnvelope(
      { value: topic.value.decode(record.value), key: topic.key.decode(rawKey), rawKey, headers, timestampMs, position },
      settlement,
    );
  } catch (error) {
    const at = formatPosition(position);
    const code = isStreamError(error) ? error.code : 'decode_failed';
    return fail(new CodecError(code, `record ${at}: ${messageOf(error)}`, { cause: error, position: at }));
  }
}
