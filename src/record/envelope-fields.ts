import type { Position, RecordHeaders } from './record.ts';
import type { RecordContext } from './record-context.ts';

/** The fields of an envelope before it gets its part; made by the source and by tests. */
export interface EnvelopeFields<T, K> {
  readonly value: T;
  readonly key: K;
  /** The key's bytes as they were read; kept for outputs and lanes while no operator sets another key. */
  readonly rawKey: Uint8Array | null;
  readonly headers: RecordHeaders;
  readonly timestampMs: number;
  readonly position: Position;
  /** @defaultValue none */
  readonly context?: RecordContext;
}
