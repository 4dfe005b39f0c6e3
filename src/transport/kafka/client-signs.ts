import type { Consumer as KafkaJsConsumer } from 'kafkajs';
import type { MemberRun } from './group-member.ts';
import { loadKafkaJs } from './kafkajs.ts';

/** What a running client shows of itself. */
export interface ClientSigns {
  /** It does something. */
  alive(): void;
  /** The broker knows this member. */
  known(): void;
  /** It has ended by itself, and does nothing more. */
  crashed(error: Error): void;
}

/** Passes on signs of life, the client's end, and the wish to re-join. */
export function listenTo(client: KafkaJsConsumer, member: MemberRun, signs: ClientSigns): void {
  const { FETCH_START, FETCH, HEARTBEAT, GROUP_JOIN, END_BATCH_PROCESS, CRASH } = client.events;
  const alive = (): void => {
    signs.alive();
  };
  client.on(FETCH, alive);
  client.on(GROUP_JOIN, alive);
  client.on(END_BATCH_PROCESS, alive);
  client.on(HEARTBEAT, () => {
    signs.alive();
    signs.known();
  });
  client.on(FETCH_START, () => {
    if (!member.takeRejoin()) return;
    // Thrown synchronously this leaves the fetch outside of any catch of kafkajs and ends its loop; the type makes the
    // runner join again. It works with everything paused and no data; what other brokers send meanwhile is fetched again.
    const { KafkaJSProtocolError } = loadKafkaJs();
    const fields = { type: 'REBALANCE_IN_PROGRESS', code: 27, retriable: false };
    throw new KafkaJSProtocolError(Object.assign(new Error('a partition was let go'), fields));
  });
  client.on(CRASH, ({ payload }) => {
    signs.crashed(payload.error);
  });
}
