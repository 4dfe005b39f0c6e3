import type { Clock } from '../../clock.ts';
import type { Log } from '../../runtime/logging.ts';
import type { Transport } from '../../transport/transport.ts';
import type { ViaTopics } from './via-topics.ts';

/** What servers and workers share. */
export interface ViaSettings {
  readonly transport: Transport;
  readonly topics: ViaTopics;
  readonly clock: Clock;
  readonly log: Log;
  /** Told of what no waiting mends. */
  readonly failed: (error: unknown) => void;
}
