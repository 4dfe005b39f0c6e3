import type { ErrorCode } from '../../../src/errors.ts';

/** What the worker is told. */
export interface Case {
  readonly brokers: readonly string[];
  readonly input: string;
  readonly output: string;
  readonly deadLetter: string;
  readonly concurrency: number;
  /** Records whose end is waited for. */
  readonly records: number;
}

/** What the worker tells. */
export interface Progress {
  readonly done: number;
  readonly failed: number;
  /** Times the stream was built anew. */
  readonly restarts: number;
  /** Of the process, at most, in bytes. */
  readonly rss: number;
}

/** A dead letter as another client reads it. */
export interface Letter {
  readonly key: string | null;
  /** Base64. */
  readonly value: string | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** Every kind of poison, and the codes that their dead letters may carry. */
export const kinds = {
  malformed: ['decode_failed'],
  schema: ['schema_violation'],
  tombstone: ['unexpected_tombstone'],
  utf8: ['decode_failed'],
  deep: ['schema_violation', 'decode_failed'], // by whether the schema itself notices that the stack has run out
  throws: ['project_threw'],
  ends: ['pipeline_threw'],
  bomb: ['undecodable_batch'],
  corrupt: ['undecodable_batch'],
} as const satisfies Record<string, readonly ErrorCode[]>;

export type Kind = keyof typeof kinds;

/** The bytes of a record: good without a kind. `corrupt` is good until its bytes are changed on the broker's disk. */
export function valueOf(id: number, kind: Kind | undefined): Buffer | null {
  const good = JSON.stringify({ id, does: kind === 'throws' || kind === 'ends' ? kind : 'pass' });
  switch (kind) {
    case 'malformed':
      return Buffer.from(good.slice(0, -3));
    case 'schema':
      return Buffer.from(JSON.stringify({ id: `no number: ${String(id)}`, does: 'pass' }));
    case 'tombstone':
      return null;
    case 'utf8':
      return Buffer.concat([Buffer.from(good.slice(0, -1)), Buffer.from([0xc3, 0x28, 0x22, 0x7d])]);
    case 'deep':
      return Buffer.from(`{"id":${String(id)},"does":"pass","more":${'['.repeat(100_000)}${']'.repeat(100_000)}}`);
    case 'bomb':
      return Buffer.alloc(40 * 1024 * 1024, ' ');
    default:
      return Buffer.from(good);
  }
}
