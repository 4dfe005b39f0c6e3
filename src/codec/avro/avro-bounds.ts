import { CodecError, requireInteger } from '../../errors.ts';

export interface AvroOptions {
  /** Most bytes of one record, its frame included; at least 1. Its text may become twice as much. @defaultValue 16 MiB */
  readonly maxBytes?: number;
  /** Most items in the arrays and maps of one record, those of all added up; at least 1. @defaultValue 100,000 */
  readonly maxItems?: number;
}

export type AvroBounds = Required<AvroOptions>;

/** @throws OptionError */
export function avroBounds({ maxBytes = 16 * 1024 * 1024, maxItems = 100_000 }: AvroOptions): AvroBounds {
  requireInteger('avro.maxBytes', maxBytes, 1);
  requireInteger('avro.maxItems', maxItems, 1);
  return { maxBytes, maxItems };
}

/** @throws CodecError of the code given */
export function requireSize(bytes: number, { maxBytes }: AvroBounds, code: 'decode_failed' | 'encode_failed'): void {
  if (bytes > maxBytes)
    throw new CodecError(
      code,
      `expected at most ${String(maxBytes)} bytes of Avro, got ${String(bytes)}: raise maxBytes if they are meant`,
    );
}
