/** A value of the metadata: its type's number, and its bytes. */
export type GgufValue = readonly [type: number, bytes: Buffer];

export const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};
export const u64 = (value: number | bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};
export const string = (text: string): Buffer => Buffer.concat([u64(Buffer.byteLength(text)), Buffer.from(text)]);
export const number = (value: number): GgufValue => [4, u32(value)];
export const text = (value: string): GgufValue => [8, string(value)];
export const texts = (values: readonly string[]): GgufValue => [9, Buffer.concat([u32(8), u64(values.length), ...values.map(string)])];

export interface GgufTensor {
  readonly name: string;
  readonly dimensions: readonly (number | bigint)[];
  readonly type: number;
  readonly offset: number | bigint;
}

export interface GgufParts {
  readonly magic?: string;
  readonly version?: number;
  readonly tensorCount?: number | bigint;
  readonly entryCount?: number | bigint;
  readonly metadata?: readonly (readonly [string, GgufValue])[];
  readonly tensors?: readonly GgufTensor[];
  readonly dataBytes?: number;
}

/** A small GGUF file, wrong in whatever is asked for. */
export function makeGguf(parts: GgufParts = {}): Buffer {
  const { magic = 'GGUF', version = 3, metadata = [['general.architecture', text('llama')]] } = parts;
  const { tensors = [{ name: 'a', dimensions: [32, 2], type: 2, offset: 0 }], dataBytes = 64 } = parts;
  const { tensorCount = tensors.length, entryCount = metadata.length } = parts;
  const header = Buffer.concat([
    Buffer.from(magic, 'latin1'),
    u32(version),
    u64(tensorCount),
    u64(entryCount),
    ...metadata.flatMap(([key, [type, bytes]]) => [string(key), u32(type), bytes]),
    ...tensors.flatMap((one) => [string(one.name), u32(one.dimensions.length), ...one.dimensions.map(u64), u32(one.type), u64(one.offset)]),
  ]);
  return Buffer.concat([header, Buffer.alloc(Math.ceil(header.length / 32) * 32 - header.length + dataBytes)]);
}
