import { CodecError, messageOf, OptionError } from '../../errors.ts';
import type { AvscType } from './avsc.ts';
import { ByteSource } from './byte-source.ts';
import { compileWriter } from './compile-schema.ts';
import { blockTooLarge, longAt, syncBytes, unpacked } from './file-blocks.ts';
import { type AvroFileHeader, type ReadHeader, readHeader } from './file-header.ts';
import type { AvroFileDamage, FileBounds } from './file-options.ts';
import { sequenceReaderOf } from './read-write.ts';
import { Unreadable } from './resolve.ts';
import { isSameType } from './same-type.ts';

/** The values of a file, one after the other. To be gone through once. */
export interface AvroFileReading<T> extends AsyncIterable<T> {
  /** What stands at the file's beginning, which is read first, once. @throws CodecError as the values do */
  header(): Promise<AvroFileHeader>;
}

export interface ReadOptions extends FileBounds {
  /** What values are read as; undefined: as they were written. */
  readonly reader: AvscType | undefined;
  readonly onDamage: ((damage: AvroFileDamage) => void) | undefined;
}

interface Block {
  readonly values: number;
  readonly bytes: Buffer;
}

type ReadValues = (bytes: Buffer, values: number) => Generator<unknown, void>;

const mostLengths = 20; // bytes of the two at a block's beginning

export class FileReading implements AvroFileReading<unknown> {
  readonly #source: ByteSource;
  readonly #options: ReadOptions;
  #header: Promise<ReadHeader> | undefined;
  #isTaken = false;

  constructor(source: AsyncIterable<Uint8Array>, options: ReadOptions) {
    this.#source = new ByteSource(source);
    this.#options = options;
  }

  header(): Promise<ReadHeader> {
    this.#header ??= readHeader(this.#source);
    return this.#header;
  }

  [Symbol.asyncIterator](): AsyncIterator<unknown> {
    if (this.#isTaken) throw new OptionError('the values of an Avro file are gone through once: read the file again');
    this.#isTaken = true;
    return this.#values();
  }

  async *#values(): AsyncGenerator<unknown, void> {
    try {
      const header = await this.header();
      const read = this.#readerOf(header);
      while (await this.#source.fill(1)) {
        const atByte = this.#source.at;
        let given = 0;
        try {
          const { values, bytes } = await this.#block(header);
          for (const value of read(bytes, values)) {
            given += 1;
            yield value;
          }
        } catch (error) {
          if (!(error instanceof CodecError)) throw error;
          await this.#passOver(header, { atByte, given, error: placed(error, atByte, given) });
        }
      }
    } finally {
      await this.#source.close();
    }
  }

  #readerOf({ schema }: ReadHeader): ReadValues {
    const { reader } = this.#options;
    const writer = fileType(schema);
    try {
      return sequenceReaderOf(...(!reader || isSameType(writer, reader) ? ([writer, writer] as const) : ([writer, reader] as const)), {
        ...this.#options,
        maxBytes: this.#options.maxBlockBytes,
      });
    } catch (error) {
      if (error instanceof Unreadable)
        throw new CodecError('schema_violation', `the schema of the file cannot be read as the schema of avroFile(): ${error.message}`);
      throw error;
    }
  }

  /** Takes a block that is whole: of one that is not, nothing is taken. */
  async #block({ codec, sync }: ReadHeader): Promise<Block> {
    const { maxBlockBytes, maxItems } = this.#options;
    await this.#source.fill(mostLengths);
    const values = longAt(this.#source.held, 0);
    const length = values && longAt(this.#source.held, values.end);
    if (!length) throw endsWithin();
    if (values.value < 0 || length.value < 0) throw new CodecError('decode_failed', 'expected a block, got a negative length');
    if (length.value > maxBlockBytes) throw blockTooLarge(maxBlockBytes);
    const end = length.end + length.value;
    if (!(await this.#source.fill(end + syncBytes))) throw endsWithin();
    const { held } = this.#source;
    if (!held.subarray(end, end + syncBytes).equals(sync))
      throw new CodecError('decode_failed', "expected the file's sync marker behind the block, got something else");
    this.#source.skip(end + syncBytes);
    const bytes = await unpacked(codec, held.subarray(length.end, end), maxBlockBytes);
    // values of no bytes at all cost nothing to claim
    if (values.value > bytes.length && values.value > maxItems)
      throw new CodecError(
        'decode_failed',
        `expected at most ${String(maxItems)} values of no bytes in a block: raise maxItems if they are meant`,
      );
    return { values: values.value, bytes };
  }

  async #passOver({ sync }: ReadHeader, damage: Omit<AvroFileDamage, 'resumedAtByte'>): Promise<void> {
    const { onDamage } = this.#options;
    if (!onDamage) throw damage.error;
    const wasTaken = this.#source.at > damage.atByte;
    const goesOn = wasTaken || (await this.#source.skipPast(sync));
    onDamage({ ...damage, resumedAtByte: goesOn ? this.#source.at : undefined });
  }
}

const endsWithin = (): CodecError => new CodecError('decode_failed', 'expected a whole block, got a file that ends within it');

const placed = ({ code, message }: CodecError, atByte: number, given: number): CodecError =>
  new CodecError(code, `the block at byte ${String(atByte)} of the Avro file, behind ${String(given)} of its values: ${message}`);

function fileType(schema: AvroFileHeader['schema']): AvscType {
  try {
    return compileWriter(schema, 'the schema of the file');
  } catch (error) {
    throw new CodecError('decode_failed', `expected an Avro file: ${messageOf(error)}`);
  }
}
