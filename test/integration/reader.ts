import { randomUUID } from 'node:crypto';
import type { SourceRecord } from '../../src/record/record.ts';
import type { ConsumeHandlers, Transport } from '../../src/transport/transport.ts';

/** What a consumer has been told. */
export interface Reader {
  readonly records: SourceRecord[];
  readonly failures: Error[];
  readonly close: () => Promise<void>;
}

/** Handlers that do nothing, but for those that are given. */
export function handlersOf(given: Partial<ConsumeHandlers>): ConsumeHandlers {
  const nothing = (): void => undefined;
  return {
    assigned: nothing,
    revoking: () => Promise.resolve(),
    lost: nothing,
    fetched: nothing,
    health: nothing,
    failed: nothing,
    ...given,
  };
}

/** Reads all that comes. */
export async function read(transport: Transport, topic: string, groupId = `g-${randomUUID()}`): Promise<Reader> {
  const [records, failures]: [SourceRecord[], Error[]] = [[], []];
  const consumer = await transport.consume(
    { groupId, topics: [topic], from: 'earliest' },
    handlersOf({ fetched: (fetch) => records.push(...fetch.records), failed: (error) => failures.push(error) }),
  );
  return { records, failures, close: () => consumer.close() };
}
