import type { FileHandle } from 'node:fs/promises';
import { ByteReader } from './byte-reader.ts';
import { damaged } from './damaged.ts';
import { tensorBytes } from './tensor-bytes.ts';

/** What a header says that is worth knowing before native code sees the file. */
export interface GgufHeader {
  readonly version: number;
  readonly tensors: number;
  readonly architecture: string | undefined;
  readonly name: string | undefined;
  /** What the model was trained with. */
  readonly contextTokens: number | undefined;
  /** Files that the model is split into; 1 where it is not. */
  readonly parts: number;
  /** Where the tensors begin. */
  readonly dataOffset: number;
}

/** Far above what models have (the longest tokenizer seen has 262,144 tokens, in 10 MB), far below what a machine has. */
const caps = {
  headerBytes: 256 << 20,
  tensors: 65_536,
  entries: 65_536,
  keyBytes: 65_535, // by the format
  stringBytes: 16 << 20,
  arrayItems: 16 << 20,
  tensorNameBytes: 64, // GGML_MAX_NAME
  dimensions: 4, // GGML_MAX_DIMS
  alignment: 1 << 20,
  parts: 1_024,
} as const;

/** Bytes of the types of values, by their number; 8 is a string, 9 an array. */
const fixedBytes: Readonly<Record<number, number>> = { 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8 };
const [stringType, arrayType] = [8, 9];
const defaultAlignment = 32;
const smallestString = 8;

type Value = string | number | undefined;

/**
 * Reads the header of a GGUF file, with a cap on everything that it counts, before native code does: magic, version, metadata,
 * the list of tensors, and whether each tensor lies in the file. Reads nothing of the tensors themselves. Holds 1 MiB, or one string.
 *
 * @throws InferenceError `model_damaged` that says what is wrong and where; the path is the caller's.
 */
export async function readGgufHeader(file: FileHandle, fileBytes: number): Promise<GgufHeader> {
  const reader = new ByteReader(file, fileBytes, caps.headerBytes);
  const { version, tensors, entries } = await readCounts(reader);
  const metadata = await readMetadata(reader, entries);
  const alignment = alignmentOf(metadata.get('general.alignment'));
  const dataOffset = await readTensors(reader, tensors, alignment, fileBytes);
  const architecture = textOf(metadata.get('general.architecture'));
  return {
    version,
    tensors,
    architecture,
    name: textOf(metadata.get('general.name')),
    contextTokens: numberOf(metadata.get(`${architecture ?? ''}.context_length`)),
    parts: partsOf(metadata.get('split.count')),
    dataOffset,
  };
}

async function readCounts(reader: ByteReader): Promise<{ readonly version: number; readonly tensors: number; readonly entries: number }> {
  if (reader.left < 24) throw damaged(`it is no GGUF file: expected at least 24 bytes, got ${String(reader.left)}`);
  await reader.ensure(24);
  const magic = Buffer.from(reader.bytes(4)).toString('latin1');
  if (magic !== 'GGUF') throw damaged(`it is no GGUF file: expected it to begin with "GGUF", got ${JSON.stringify(magic)}`);
  const version = reader.u32();
  if (version !== 2 && version !== 3) {
    const isSwapped = version === 0x02000000 || version === 0x03000000;
    throw damaged(`expected version 2 or 3 of GGUF, got ${isSwapped ? 'one for big-endian machines' : String(version)}: convert it anew`);
  }
  const tensors = reader.u64('the number of tensors');
  const entries = reader.u64('the number of metadata entries');
  atMost('tensors', tensors, caps.tensors);
  atMost('metadata entries', entries, caps.entries);
  return { version, tensors, entries };
}

/** Of all entries the strings and numbers, which are few; arrays are passed over. */
async function readMetadata(reader: ByteReader, entries: number): Promise<ReadonlyMap<string, Value>> {
  const metadata = new Map<string, Value>();
  for (let at = 0; at < entries; at += 1) {
    const key = await readString(reader, 'a key', caps.keyBytes);
    if (metadata.has(key)) throw damaged(`the key ${JSON.stringify(key)} stands there twice`);
    await reader.ensure(4);
    const type = reader.u32();
    metadata.set(key, await readValue(reader, type, key));
  }
  return metadata;
}

async function readValue(reader: ByteReader, type: number, key: string): Promise<Value> {
  if (type === arrayType) return skipArray(reader, key);
  if (type === stringType) return readString(reader, `the value of ${JSON.stringify(key)}`, caps.stringBytes);
  const bytes = fixedBytes[type];
  if (bytes === undefined) throw damaged(`${JSON.stringify(key)} is of a type that is not known, ${String(type)}`);
  await reader.ensure(bytes);
  if (type === 2) return reader.u16();
  if (type === 4) return reader.u32();
  if (type === 10) return reader.u64(`the value of ${JSON.stringify(key)}`);
  reader.skip(bytes);
  return undefined;
}

async function skipArray(reader: ByteReader, key: string): Promise<undefined> {
  await reader.ensure(12);
  const type = reader.u32();
  const items = reader.u64(`the length of ${JSON.stringify(key)}`);
  atMost(`items in ${JSON.stringify(key)}`, items, caps.arrayItems);
  if (type === arrayType) throw damaged(`${JSON.stringify(key)} is an array of arrays, which no loader reads`);
  const bytes = type === stringType ? smallestString : fixedBytes[type];
  if (bytes === undefined) throw damaged(`${JSON.stringify(key)} is an array of a type that is not known, ${String(type)}`);
  if (items * bytes > reader.left)
    throw damaged(`it is cut off in its header: ${String(items)} items of ${JSON.stringify(key)} do not fit`);
  if (type !== stringType) {
    reader.skip(items * bytes);
    return;
  }
  for (let at = 0; at < items; at += 1) {
    if (!reader.has(smallestString)) await reader.ensure(smallestString);
    const length = reader.u64(`the length of a string in ${JSON.stringify(key)}`);
    atMost(`bytes in a string of ${JSON.stringify(key)}`, length, caps.stringBytes);
    reader.skip(length);
  }
}

/** Where the tensors begin. */
async function readTensors(reader: ByteReader, tensors: number, alignment: number, fileBytes: number): Promise<number> {
  const names = new Set<string>();
  const places: { readonly name: string; readonly offset: number; readonly bytes: number }[] = [];
  for (let at = 0; at < tensors; at += 1) {
    const name = await readString(reader, "a tensor's name", caps.tensorNameBytes);
    if (names.has(name)) throw damaged(`the tensor ${JSON.stringify(name)} stands there twice`);
    names.add(name);
    await reader.ensure(4);
    const dimensions = await readDimensions(reader, name);
    await reader.ensure(12);
    const type = reader.u32();
    const offset = reader.u64(`the place of ${JSON.stringify(name)}`);
    if (offset % alignment !== 0) throw damaged(`${JSON.stringify(name)} lies at ${String(offset)}, no multiple of ${String(alignment)}`);
    const bytes = tensorBytes(type, dimensions) ?? 0;
    if (Number.isNaN(bytes))
      throw damaged(`${JSON.stringify(name)} has rows that are no whole number of blocks of its type, ${String(type)}`);
    places.push({ name, offset, bytes });
  }
  const dataOffset = Math.ceil(reader.position / alignment) * alignment;
  for (const { name, offset, bytes } of places) {
    const end = dataOffset + offset + bytes;
    if (end <= fileBytes) continue;
    throw damaged(`it is cut off after ${String(fileBytes)} bytes: ${JSON.stringify(name)} ends at ${String(end)}; fetch it again`);
  }
  return dataOffset;
}

async function readDimensions(reader: ByteReader, name: string): Promise<readonly number[]> {
  const count = reader.u32();
  atMost(`dimensions of ${JSON.stringify(name)}`, count, caps.dimensions);
  await reader.ensure(8 * count);
  const dimensions = Array.from({ length: count }, () => reader.u64(`a dimension of ${JSON.stringify(name)}`));
  const values = dimensions.reduce((product, one) => product * one, 1);
  if (values === 0 || values > Number.MAX_SAFE_INTEGER) throw damaged(`${JSON.stringify(name)} has ${dimensions.join(' x ')} values`);
  return dimensions;
}

async function readString(reader: ByteReader, what: string, most: number): Promise<string> {
  await reader.ensure(smallestString);
  const length = reader.u64(`the length of ${what}`);
  atMost(`bytes in ${what}`, length, most);
  await reader.ensure(length);
  return Buffer.from(reader.bytes(length)).toString('utf8');
}

function atMost(what: string, value: number, most: number): void {
  if (value > most) throw damaged(`expected at most ${String(most)} ${what}, got ${String(value)}`);
}

function alignmentOf(value: Value): number {
  if (value === undefined) return defaultAlignment;
  const isPower = typeof value === 'number' && value > 0 && value <= caps.alignment && Number.isInteger(Math.log2(value));
  if (isPower) return value;
  throw damaged(`expected general.alignment to be a power of 2, at most ${String(caps.alignment)}, got ${JSON.stringify(value)}`);
}

function partsOf(value: Value): number {
  if (typeof value !== 'number') return 1;
  atMost('files', value, caps.parts);
  return Math.max(1, value);
}

const textOf = (value: Value): string | undefined => (typeof value === 'string' ? value : undefined);
const numberOf = (value: Value): number | undefined => (typeof value === 'number' ? value : undefined);
