import { createRequire } from 'node:module';
import type * as KafkaJs from 'kafkajs';
import { TransportError } from '../../errors.ts';
import { installCodecs } from './codecs.ts';
import { crc32c } from './crc32c.ts';
import { groupMessages } from './group-messages.ts';
import { patchGroup } from './group-patch.ts';
import { decodeUndecodable, type RecordBatchDecoder } from './batch-patch.ts';
import { recordDecoder, recordEncoder } from './record-patch.ts';
import type { GroupInternals } from './internals.ts';

export type KafkaJsModule = typeof KafkaJs;

const patchedVersion = '2.2.4';
const mark = Symbol.for('millrace.kafkajs.patched');
const load = createRequire(import.meta.url);
const source = 'kafkajs/src/';

/** These keep what they import, so what is patched must be patched before they are loaded: at the first fetch or send. */
const captors = ['protocol/requests/fetch/v4/decodeMessages', 'protocol/requests/produce/v3/request'];

let loaded: KafkaJsModule | undefined;

/**
 * kafkajs with our patches, loaded at the first use. They are of one exact version, which has had no successor since
 * 2023-02; another one is refused rather than half patched.
 *
 * - `ConsumerGroup.joinAndSync`, `recoverFromOffsetOutOfRange`: see group-patch.ts
 * - record decoder and encoder: headers as ordered pairs; see record-patch.ts
 * - checksum, grouping of a send: the same, in a tenth of the time; see crc32c.ts, group-messages.ts
 * - batch decoder: an unreadable batch becomes one marked record; see batch-patch.ts
 * - request queue: its idle timer runs at 1 ms for ever (and Node 24 warns of its negative delay)
 * - codecs: capped gzip, zstd
 *
 * @throws TransportError `transport_failed` when kafkajs is another version, or was used before us in this process
 */
export function loadKafkaJs(): KafkaJsModule {
  loaded ??= loadAndPatch();
  return loaded;
}

function loadAndPatch(): KafkaJsModule {
  const { version } = load('kafkajs/package.json') as { readonly version: string };
  if (version !== patchedVersion) {
    throw new TransportError(
      'transport_failed',
      `millrace patches kafkajs ${patchedVersion} and found ${version}: install exactly ${patchedVersion}`,
    );
  }
  replace('producer/groupMessagesPerPartition', () => groupMessages); // its one user keeps it as soon as kafkajs is loaded
  const kafkajs = load('kafkajs') as KafkaJsModule & { [mark]?: true };
  if (kafkajs[mark]) return kafkajs; // by another copy of this module
  const early = captors.find((file) => load.cache[load.resolve(source + file)] !== undefined);
  if (early !== undefined) {
    throw new TransportError(
      'transport_failed',
      `kafkajs was used in this process before millrace could patch it (${early} is loaded): call kafka() and use its transport first`,
    );
  }
  patchGroup((load(`${source}consumer/consumerGroup`) as { readonly prototype: GroupInternals }).prototype);
  replace('protocol/recordBatch/crc32C/index', () => crc32c);
  replace('protocol/recordBatch/record/v0/decoder', () => recordDecoder);
  replace('protocol/recordBatch/record/v0/index', () => recordEncoder);
  replace('protocol/recordBatch/v0/decoder', (original) => decodeUndecodable(original as RecordBatchDecoder, crc32c));
  patchRequestQueue((load(`${source}network/requestQueue`) as { readonly prototype: RequestQueue }).prototype);
  installCodecs(kafkajs);
  kafkajs[mark] = true;
  return kafkajs;
}

function replace(file: string, make: (original: unknown) => unknown): void {
  const path = load.resolve(source + file);
  const original: unknown = load(path);
  const module = load.cache[path];
  if (!module) throw new TransportError('transport_failed', `kafkajs's ${file} is not in the module cache, so it cannot be patched`);
  module.exports = make(original);
}

interface RequestQueue {
  readonly throttledUntil: number;
  readonly pending: readonly unknown[];
  scheduleCheckPendingRequests: (this: RequestQueue) => void;
}

/** The queue needs its timer only while requests wait or the broker throttles; idle, its delay is negative, which means 1 ms. */
function patchRequestQueue(prototype: RequestQueue): void {
  const schedule = prototype.scheduleCheckPendingRequests;
  prototype.scheduleCheckPendingRequests = function () {
    if (this.pending.length > 0) schedule.call(this);
  };
}
