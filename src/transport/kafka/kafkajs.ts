import { createRequire } from 'node:module';
import type * as KafkaJs from 'kafkajs';
import { TransportError } from '../../errors.ts';
import { installCodecs } from './codecs.ts';
import { patchStream, type StreamInternals } from './connection-patch.ts';
import { crc32c } from './crc32c.ts';
import { groupMessages } from './group-messages.ts';
import { patchGroup } from './group-patch.ts';
import { messagesDecoder, type MessagesDecoder } from './batch-decoder.ts';
import { type EncoderInternals, patchEncoder } from './encoder-patch.ts';
import { apart } from './fetch-errors.ts';
import { type BrokerPrototype, patchFetch } from './fetch-patch.ts';
import { recordEncoder } from './record-encoder.ts';
import { type BrokerPoolInternals, type ConnectionInternals, patchLogin, patchRefusals } from './security-patch.ts';
import type { GroupInternals } from './internals.ts';

export type KafkaJsModule = typeof KafkaJs;

const patchedVersion = '2.2.4';
const mark = Symbol.for('millrace.kafkajs.patched');
const load = createRequire(import.meta.url);
const source = 'kafkajs/src/';

/** These keep what they import, so what is patched must be patched before they are loaded: at the first fetch or send. */
const captors = ['protocol/requests/fetch/v4/response', 'protocol/requests/produce/v3/request'];

let mostBatchBytes = 1024 * 1024; // the least that the option takes
const batchLimit = (): number => mostBatchBytes;

/** Lets batches grow to `bytes`. kafkajs decodes for all its clients alike, so the most that any of them asked for holds for all. */
export function allowBatchBytes(bytes: number): void {
  mostBatchBytes = Math.max(mostBatchBytes, bytes);
}

let loaded: KafkaJsModule | undefined;

/**
 * kafkajs with our patches, loaded at the first use. They are of one exact version, which has had no successor since
 * 2023-02; another one is refused rather than half patched.
 *
 * - `ConsumerGroup.joinAndSync`, `fetch`, `heartbeat`, `leave`, `recoverFromOffsetOutOfRange`: see group-patch.ts
 * - the decoder of fetched batches: checked and capped; an unreadable one becomes one marked record, headers are ordered
 *   pairs; see batch-decoder.ts, record-decoder.ts
 * - record encoder: headers as ordered pairs; see record-encoder.ts
 * - encoder: large pieces of a request are not copied at each of its levels; see encoder-patch.ts
 * - checksum, grouping of a send: the same, in a tenth of the time; see crc32c.ts, group-messages.ts
 * - a fetch of which one partition failed: see fetch-errors.ts
 * - what was fetched: ranges of unreadable batches are bounded, aborted transactions filtered; see fetch-patch.ts, aborted-patch.ts
 * - request queue: its idle timer runs at 1 ms for ever (and Node 24 warns of its negative delay)
 * - a connection that is cut within an answer: see connection-patch.ts
 * - logins that end soon, refusals that look like outages: see security-patch.ts
 * - codecs: gzip and zstd, and snappy and lz4 to read, all capped; see codecs.ts
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
  // its one user keeps it as soon as kafkajs is loaded; who loads that before us has the slower one
  replace('producer/groupMessagesPerPartition', () => groupMessages);
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
  patchEncoder((load(`${source}protocol/encoder`) as { readonly prototype: EncoderInternals }).prototype);
  replace('protocol/recordBatch/crc32C/index', () => crc32c);
  replace('protocol/recordBatch/record/v0/index', () => recordEncoder);
  replace('protocol/requests/fetch/v0/response', (original) => parsedApart(original as FetchProtocol));
  replace('protocol/requests/fetch/v4/decodeMessages', (original) => messagesDecoder(original as MessagesDecoder, batchLimit));
  patchRequestQueue((load(`${source}network/requestQueue`) as { readonly prototype: RequestQueue }).prototype);
  const connection = load(`${source}network/connection`) as { readonly prototype: ConnectionInternals & StreamInternals };
  patchLogin(connection.prototype);
  patchStream(connection.prototype);
  patchRefusals((load(`${source}cluster/brokerPool`) as { readonly prototype: BrokerPoolInternals }).prototype);
  patchFetch((load(`${source}broker`) as { readonly prototype: BrokerPrototype }).prototype);
  installCodecs(kafkajs, batchLimit);
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

interface FetchProtocol {
  readonly parse: Parameters<typeof apart>[0];
}

const parsedApart = (original: FetchProtocol): FetchProtocol => ({ ...original, parse: apart(original.parse) });

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
