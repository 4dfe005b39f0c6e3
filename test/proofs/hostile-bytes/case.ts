import type { ErrorCode } from '../../../src/errors.ts';

/** Bytes that mean harm, and what is to become of them. */
export interface HostileCase {
  readonly name: string;
  readonly codec: 'avro' | 'avro framed' | 'avro file' | 'json' | 'json with a schema' | 'json schema framed' | 'text';
  readonly bytes: () => Buffer;
  /** Of the dead letter; undefined: it is a value after all. */
  readonly code: ErrorCode | undefined;
}
