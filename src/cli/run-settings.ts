import { leastOf, type StartOptions, unreadableMetadataChoices } from '../runtime/options.ts';
import { type KafkaOptions, sessionRangeMs } from '../transport/kafka/kafka-options.ts';

/** How a pipeline is run, as its operators may want it: options of `start`, and of Kafka. Defaults are theirs. */
export interface RunSettings
  extends Pick<
      StartOptions,
      | 'unreadableMetadata'
      | 'maxRecordsInFlight'
      | 'maxBytesInFlight'
      | 'commitIntervalMs'
      | 'drainDeadlineMs'
      | 'revokeDeadlineMs'
      | 'startPatienceMs'
    >,
    Pick<KafkaOptions, 'sessionTimeoutMs'> {}

export interface IntegerSetting {
  readonly kind: 'integer';
  readonly value: string;
  readonly min: number;
  readonly max?: number;
  readonly summary: string;
}

export interface ChoiceSetting {
  readonly kind: 'text';
  readonly value: string;
  readonly choices: readonly string[];
  readonly summary: string;
}

const atLeast = (name: keyof typeof leastOf, value: string, summary: string): IntegerSetting => ({
  ...{ kind: 'integer', value, min: leastOf[name], summary },
});

/** Of them, what `start` takes. */
export const startOptionsOf = (run: RunSettings): Omit<RunSettings, 'sessionTimeoutMs'> =>
  Object.fromEntries(Object.entries(run).filter(([key]) => key !== 'sessionTimeoutMs'));

/** The one list of them: flags of `millrace run`, its help, environment and file are made from it. */
export const runSettingsTable = {
  startPatienceMs: atLeast('startPatienceMs', 'ms', 'how long a start waits for a broker that is away (default: 120000)'),
  drainDeadlineMs: atLeast('drainDeadlineMs', 'ms', 'how long a stop waits for what is in flight (default: 30000)'),
  revokeDeadlineMs: atLeast(
    'revokeDeadlineMs',
    'ms',
    'how long a partition that moves to another member waits for what is in flight (default: 30000)',
  ),
  commitIntervalMs: atLeast('commitIntervalMs', 'ms', 'longest time from the end of a record to its commit (default: 200)'),
  maxRecordsInFlight: atLeast('maxRecordsInFlight', 'n', 'most records in flight (default: 10000)'),
  maxBytesInFlight: atLeast('maxBytesInFlight', 'n', 'most bytes of records in flight (default: 67108864)'),
  unreadableMetadata: {
    kind: 'text',
    value: 'what',
    choices: unreadableMetadataChoices,
    summary: 'what another program stored beside an offset: fail, or ignore it and run again what was completed above (default: fail)',
  },
  sessionTimeoutMs: {
    ...{ kind: 'integer', value: 'ms', ...sessionRangeMs },
    summary: 'how long a silent member keeps its partitions (default: 10000)',
  },
} as const satisfies Readonly<Record<keyof RunSettings, IntegerSetting | ChoiceSetting>>;
