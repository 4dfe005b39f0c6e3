import { randomBytes } from 'node:crypto';
import { isObject, type OptionNames, requireFunction, requireOptions } from '../../check-options.ts';
import { type CodecError, OptionError, requireInteger, requireOneOf } from '../../errors.ts';
import type { AvroSchema } from './avro-schema.ts';
import { type AvroFileCodec, fileCodecs, syncBytes } from './file-blocks.ts';
import { isReserved } from './file-header.ts';

/** A block that could not be read to its end. */
export interface AvroFileDamage {
  /** Where it begins: so many bytes of the file stand before it. */
  readonly atByte: number;
  /** How many of its values were given before the damage was met. */
  readonly given: number;
  /** Where reading goes on: behind the next sync marker; undefined: there is none, the file is over. */
  readonly resumedAtByte: number | undefined;
  readonly error: CodecError;
}

export interface AvroFileOptions {
  /** What values are written with, and read as. @defaultValue none: nothing is written, and values are read as they were written */
  readonly schema?: AvroSchema | undefined;
  /** Most bytes of one block, packed and unpacked, which is most of one value, too; at least 1. @defaultValue 16 MiB */
  readonly maxBlockBytes?: number;
  /** Most items in the arrays and maps of one value, those of all added up, and most values of a block that have no bytes; at least 1. @defaultValue 100,000 */
  readonly maxItems?: number;
  /** Told of each block that cannot be read; reading goes on behind it. @defaultValue none: reading ends with its error */
  readonly onDamage?: (damage: AvroFileDamage) => void;
  /** What blocks are packed with when they are written. @defaultValue deflate, which every reader knows */
  readonly codec?: AvroFileCodec;
  /** From how many bytes on a block is written; at least 1, at most `maxBlockBytes`. @defaultValue 64 KiB */
  readonly blockBytes?: number;
  /** To be written into the header, by name; names must not begin with `avro.`. @defaultValue none */
  readonly metadata?: Readonly<Record<string, string | Uint8Array>>;
  /** The 16 bytes behind each block; give them for files that are the same byte by byte. @defaultValue chance, for each file anew */
  readonly sync?: Uint8Array;
}

export interface FileBounds {
  readonly maxBlockBytes: number;
  readonly maxItems: number;
}

export interface ResolvedFileOptions extends FileBounds {
  readonly schema: AvroSchema | undefined;
  readonly onDamage: AvroFileOptions['onDamage'] | undefined;
  readonly codec: AvroFileCodec;
  readonly blockBytes: number;
  readonly metadata: ReadonlyMap<string, Uint8Array>;
  readonly newSync: () => Buffer;
}

const names: OptionNames<AvroFileOptions> = {
  schema: true,
  maxBlockBytes: true,
  maxItems: true,
  onDamage: true,
  codec: true,
  blockBytes: true,
  metadata: true,
  sync: true,
};

/** @throws OptionError */
export function resolveFileOptions(given: AvroFileOptions): ResolvedFileOptions {
  requireOptions('avroFile', given, names);
  const { schema, onDamage, codec = 'deflate', maxBlockBytes = 16 * 1024 * 1024, maxItems = 100_000, sync } = given;
  requireInteger('avroFile.maxBlockBytes', maxBlockBytes, 1, 1024 ** 3);
  requireInteger('avroFile.maxItems', maxItems, 1);
  const { blockBytes = Math.min(64 * 1024, maxBlockBytes) } = given;
  requireInteger('avroFile.blockBytes', blockBytes, 1, maxBlockBytes);
  requireOneOf('avroFile.codec', codec, fileCodecs);
  if (onDamage !== undefined) requireFunction('avroFile.onDamage', onDamage, '(damage) => void');
  if (sync !== undefined && !(sync instanceof Uint8Array && sync.length === syncBytes))
    throw new OptionError(`avroFile.sync must be ${String(syncBytes)} bytes`);
  return {
    ...{ schema, onDamage, codec, maxBlockBytes, maxItems, blockBytes },
    metadata: metadataOf(given.metadata ?? {}),
    newSync: () => (sync ? Buffer.from(sync) : randomBytes(syncBytes)),
  };
}

function metadataOf(given: NonNullable<AvroFileOptions['metadata']>): ReadonlyMap<string, Uint8Array> {
  if (!isObject(given)) throw new OptionError('avroFile.metadata must be an object of texts or bytes');
  return new Map(
    Object.entries(given).map(([name, value]) => {
      if (isReserved(name)) throw new OptionError(`avroFile.metadata must not name ${name}: names that begin with avro. are Avro's own`);
      if (typeof value !== 'string' && !((value as unknown) instanceof Uint8Array))
        throw new OptionError(`avroFile.metadata.${name} must be text or bytes`);
      return [name, typeof value === 'string' ? Buffer.from(value) : value];
    }),
  );
}
