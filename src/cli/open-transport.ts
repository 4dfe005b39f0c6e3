import { connect as connectTcp } from 'node:net';
import type { Clock } from '../clock.ts';
import type { OpenedTransport, OpenTransportOptions } from '../command.ts';
import { messageOf, TransportError } from '../errors.ts';
import type { Log } from '../runtime/logging.ts';
import { kafka } from '../transport/kafka/kafka.ts';
import { memory } from '../transport/memory/memory.ts';
import { kafkaSettings } from './kafka-settings.ts';
import type { Settings } from './settings.ts';
import { brokerStarter, startBroker } from './start-broker.ts';

export interface OpenTransportContext {
  readonly settings: Settings;
  readonly log: Log;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly note: (text: string) => void;
}

/** Opens what the settings name. Kafka itself is reached when it is first asked for something. */
export async function openTransport(context: OpenTransportContext, options: OpenTransportOptions = {}): Promise<OpenedTransport> {
  const { settings, clock, log } = context;
  if ((options.kind ?? settings.transport) === 'memory') {
    const transport = memory({ clock });
    return { transport, where: 'the embedded broker', close: () => transport.close() };
  }
  const { brokers, stop } = await brokersFor(context, options.startBroker === true);
  try {
    // the client tells each of its tries; what comes of them is told by whoever asked
    const transport = kafka({
      ...kafkaSettings(settings, brokers),
      clock,
      log: (_level, message, details = {}) => {
        log.debug(details, message);
      },
    });
    let closing: Promise<void> | undefined;
    const close = async (): Promise<void> => {
      await transport.close();
      await stop();
    };
    return { transport, where: `Kafka at ${brokers.join(',')}`, close: () => (closing ??= close()) };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Brokers {
  readonly brokers: readonly string[];
  readonly stop: () => Promise<void>;
}

const nothing = (): Promise<void> => Promise.resolve();

/** Those that were named, else the usual place, else our own, where that is allowed. */
async function brokersFor({ settings, clock, signal, note }: OpenTransportContext, mayStart: boolean): Promise<Brokers> {
  const { brokers } = settings;
  if (settings.brokersGiven || !mayStart) return { brokers, stop: nothing };
  const usual = brokers[0] ?? 'localhost:9092';
  if (await answers(usual, clock)) return { brokers, stop: nothing };
  const otherwise = 'name one with --brokers or MILLRACE_BROKERS, or start one with `docker compose up -d`';
  const starter = brokerStarter();
  if (starter === undefined)
    throw new TransportError('transport_unavailable', `no Kafka broker was named and none answers at ${usual}: ${otherwise}`);
  note('no Kafka broker was named and none answers at localhost:9092: starting one from jars (the first time they are downloaded)');
  try {
    const started = await startBroker(starter, signal);
    return { brokers: started.brokers, stop: () => started.stop() };
  } catch (error) {
    signal.throwIfAborted();
    throw new TransportError(
      'transport_unavailable',
      `no Kafka broker was named, none answers at ${usual}, and none could be started (${messageOf(error)}): ${otherwise}`,
      { cause: error },
    );
  }
}

const patienceMs = 1_000; // it is this machine

/** Whether something listens there. */
export function answers(address: string, clock: Clock): Promise<boolean> {
  const [host = '', port = ''] = address.split(':');
  return new Promise((resolve) => {
    const socket = connectTcp({ host, port: Number(port) });
    const end = (found: boolean) => (): void => {
      cancel();
      socket.destroy();
      resolve(found);
    };
    const cancel = clock.schedule(patienceMs, end(false));
    socket.once('connect', end(true)).once('error', end(false));
  });
}
