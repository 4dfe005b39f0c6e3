import type { CancelTimer, Clock } from '../../clock.ts';
import type { ConsumerHealth } from '../transport.ts';
import type { ResolvedKafkaOptions } from './kafka-options.ts';
import { Lease } from './lease.state.ts';
import { SupervisorState } from './supervisor.state.ts';

const checkEveryMs = 500;
const joinWordMs = 1_000; // a join that lasts longer waits for somebody, and that is said

export interface WatchdogOptions {
  readonly clock: Clock;
  readonly groupId: string;
  readonly kafka: Pick<ResolvedKafkaOptions, 'brokers' | 'sessionTimeoutMs' | 'requestTimeoutMs' | 'maxRestarts'>;
  readonly health: (state: ConsumerHealth) => void;
  /** By now the broker has given this member up, if it lives: others may work on what was its own. */
  readonly forgotten: () => void;
  /** The client has said nothing for seconds: why, if that is known. */
  readonly quiet: () => string | undefined;
  /** A partition gives nothing although it goes on: what to say of it. */
  readonly still: () => string | undefined;
  /** The client says nothing any more. */
  readonly hung: () => void;
}

/**
 * Hears what a client says of itself, and looks every 500 ms whether it still does; on the monotonic clock, so that a wall clock
 * that is set means nothing. Tells health when it changes.
 */
export class Watchdog {
  readonly supervisor: SupervisorState;
  readonly #options: WatchdogOptions;
  #joiningSinceMs: number | undefined;
  readonly #lease: Lease;
  /** Since when a heartbeat is under way. */
  #heartbeatMs: number | undefined;
  #health: ConsumerHealth = { state: 'ok' };
  #cancel: CancelTimer | undefined;
  /** Between two runs nobody is there who could be silent. */
  #isUp = false;
  #stopped = false;

  constructor(options: WatchdogOptions) {
    this.#options = options;
    const { sessionTimeoutMs, requestTimeoutMs, maxRestarts } = options.kafka;
    // a join may wait for the session of a dead member, and then for those who are slow to join
    this.supervisor = new SupervisorState({ maxRestarts, hangMs: sessionTimeoutMs * 2 + requestTimeoutMs });
    this.#lease = new Lease(sessionTimeoutMs, this.#nowMs());
    this.#schedule();
  }

  get isJoining(): boolean {
    return this.#joiningSinceMs !== undefined;
  }

  /** The client is about to be started. */
  starting(): void {
    this.#isUp = true;
    this.supervisor.starting(this.#nowMs());
  }

  /** The client has broken, and is started again; a join that it was in is over. */
  broken(why: string): void {
    this.#isUp = false;
    this.#joiningSinceMs = undefined;
    this.#lease.joined(false);
    this.tell({ state: 'reconnecting', why });
  }

  /** The client did something. */
  alive(): void {
    this.supervisor.sign(this.#nowMs());
  }

  heartbeat(underWay: boolean): void {
    this.#heartbeatMs = underWay ? (this.#heartbeatMs ?? this.#nowMs()) : undefined;
  }

  /** The broker knew this member when this was sent to it (the heartbeat under way, unless said otherwise), and began its session anew. */
  known(sentMs: number | undefined = this.#heartbeatMs): void {
    if (sentMs !== undefined) this.#lease.renewed(sentMs);
  }

  joining(): void {
    this.#joiningSinceMs = this.#nowMs();
    this.#lease.joining();
    this.alive();
  }

  joined(): void {
    this.#joiningSinceMs = undefined;
    this.alive();
    this.#lease.joined(true);
    this.tell({ state: 'ok' });
  }

  /** Looks whether the broker may have given this member up; also after this process has stood still. */
  verify(): void {
    const nowMs = this.#nowMs();
    if (this.#lease.hasEnded(nowMs)) this.#options.forgotten();
    this.#lease.runs(nowMs);
  }

  tell(health: ConsumerHealth): void {
    if (this.#stopped || JSON.stringify(health) === JSON.stringify(this.#health)) return;
    this.#health = health;
    this.#options.health(health);
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  #nowMs(): number {
    return this.#options.clock.nowMs();
  }

  #schedule(): void {
    this.#cancel = this.#options.clock.schedule(checkEveryMs, () => {
      this.#look();
      if (!this.#stopped) this.#schedule();
    });
  }

  #look(): void {
    const nowMs = this.#nowMs();
    const { kafka, groupId, hung } = this.#options;
    const vital = this.supervisor.check(nowMs, checkEveryMs);
    this.verify();
    if (!this.#isUp) {
      const why = this.#options.quiet();
      if (why !== undefined) this.tell({ state: 'reconnecting', why });
      return;
    }
    if (vital === 'hung') hung();
    else if (this.#joiningSinceMs !== undefined && nowMs - this.#joiningSinceMs >= joinWordMs) {
      const leftMs = this.#joiningSinceMs + kafka.sessionTimeoutMs - nowMs;
      const why = `the group ${groupId} waits for a member that does not answer`;
      this.tell({ state: 'waiting', why, ...(leftMs > 0 ? { leftMs: Math.ceil(leftMs / 1_000) * 1_000 } : {}) });
    } else if (vital === 'quiet') {
      const why = this.#options.quiet() ?? `no answer from ${kafka.brokers.join(', ')} for some seconds`;
      this.tell({ state: 'reconnecting', why });
    } else if (!this.isJoining) {
      const why = this.#options.still();
      this.tell(why === undefined ? { state: 'ok' } : { state: 'waiting', why });
    }
  }
}
