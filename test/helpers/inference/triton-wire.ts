import type { IncomingMessage, ServerResponse } from 'node:http';
import { gunzipSync, gzipSync, inflateSync } from 'node:zlib';
import { Refusal } from './refusal.ts';

/** A tensor of the protocol, as the server holds it: the bytes of its values. */
export interface ServedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly datatype: string;
  readonly bytes: Buffer;
}

export interface TritonRequest {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  /** Of a body that has tensors behind it. */
  readonly json: Readonly<Record<string, unknown>>;
  readonly inputs: readonly ServedTensor[];
}

const sizes: Readonly<Record<string, number>> = {
  BOOL: 1,
  UINT8: 1,
  INT8: 1,
  UINT16: 2,
  INT16: 2,
  FP16: 2,
  BF16: 2,
  UINT32: 4,
  INT32: 4,
  FP32: 4,
  UINT64: 8,
  INT64: 8,
  FP64: 8,
};
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Integers beyond 2^53 as what they are. */
const exactNumbers = (_: string, value: unknown, context?: { readonly source?: string }): unknown =>
  typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? '') ? BigInt(context?.source ?? 0) : value;

/** A request, checked as Triton checks it: the length of the JSON, each tensor's size to the byte, kinds and shapes. */
export async function received(
  incoming: IncomingMessage,
  path: string,
  datatypeOf: (name: string) => string | undefined,
): Promise<TritonRequest> {
  const pieces: Buffer[] = [];
  for await (const piece of incoming) pieces.push(piece as Buffer);
  const { headers } = incoming;
  const packed = Buffer.concat(pieces);
  const body =
    headers['content-encoding'] === 'gzip' ? gunzipSync(packed) : headers['content-encoding'] === 'deflate' ? inflateSync(packed) : packed;
  if (body.length === 0) return { path, headers, json: {}, inputs: [] };
  const end = Number(headers['inference-header-content-length'] ?? body.length);
  const json = JSON.parse(utf8.decode(body.subarray(0, end)), exactNumbers) as Readonly<Record<string, unknown>>;
  if (!path.endsWith('/infer')) return { path, headers, json, inputs: [] };
  let at = end;
  const inputs = (json['inputs'] as readonly Readonly<Record<string, unknown>>[]).map((one): ServedTensor => {
    const { name, shape, datatype, data, parameters } = one as {
      name: string;
      shape: number[];
      datatype: string;
      data?: unknown[];
      parameters?: { binary_data_size?: number };
    };
    const count = shape.reduce((product, size) => product * size, 1);
    const declared = datatypeOf(name);
    if (declared === undefined) throw new Refusal(400, `unexpected inference input '${name}' for model 'toy'`);
    if (declared !== datatype)
      throw new Refusal(400, `inference input '${name}' data-type is '${datatype}', but model 'toy' expects '${declared}'`);
    const size = parameters?.binary_data_size;
    const bytes = size === undefined ? bytesOf(data ?? [], datatype) : body.subarray(at, at + size);
    at += size ?? 0;
    if (datatype !== 'BYTES' && bytes.length !== count * (sizes[datatype] ?? 0))
      throw new Refusal(
        400,
        `unexpected total byte size ${String(bytes.length)} for input '${name}', expecting ${String(count * (sizes[datatype] ?? 0))}`,
      );
    return { name, shape, datatype, bytes };
  });
  if (at !== body.length) throw new Refusal(400, "unexpected additional input data for model 'toy'");
  return { path, headers, json, inputs };
}

/** The values of some kinds from JSON. */
function bytesOf(data: readonly unknown[], datatype: string): Buffer {
  const view = (write: (bytes: Buffer, value: unknown, at: number) => void): Buffer => {
    const size = sizes[datatype] ?? 0;
    const bytes = Buffer.alloc(size * data.length);
    data.forEach((value, index) => {
      write(bytes, value, index * size);
    });
    return bytes;
  };
  if (datatype === 'BYTES')
    return Buffer.concat(
      data.flatMap((text) => {
        const length = Buffer.alloc(4);
        length.writeUInt32LE(Buffer.byteLength(String(text)));
        return [length, Buffer.from(String(text))];
      }),
    );
  if (datatype === 'FP32') return view((bytes, value, at) => bytes.writeFloatLE(Number(value), at));
  if (datatype === 'INT64') return view((bytes, value, at) => bytes.writeBigInt64LE(BigInt(value as number), at));
  if (datatype === 'BOOL') return view((bytes, value, at) => bytes.writeUInt8(value === true ? 1 : 0, at));
  if (datatype === 'INT8') return view((bytes, value, at) => bytes.writeInt8(Number(value), at));
  throw new Refusal(400, `the test's server reads no ${datatype} from JSON`);
}

export function textsIn(tensor: ServedTensor | undefined): readonly string[] {
  const texts: string[] = [];
  const { bytes = Buffer.alloc(0) } = tensor ?? {};
  for (let at = 0; at < bytes.length; at += 4 + bytes.readUInt32LE(at))
    texts.push(utf8.decode(bytes.subarray(at + 4, at + 4 + bytes.readUInt32LE(at))));
  return texts;
}

/** Tensors as the request wants them. */
export function respond(
  { headers }: TritonRequest,
  outgoing: ServerResponse,
  name: string,
  outputs: readonly ServedTensor[],
  isBinary: boolean,
): void {
  const shown = outputs.map(({ name: output, shape, datatype, bytes }) => ({
    name: output,
    shape,
    datatype,
    ...(isBinary ? { parameters: { binary_data_size: bytes.length } } : { data: `@${output}@` }),
  }));
  // numbers of 64 bits are written as they are: JSON.stringify has no bigints
  const text = JSON.stringify({ model_name: name, model_version: '1', outputs: shown }).replaceAll(/"@([^"]*)@"/g, (_, output: string) =>
    listOf(outputs.find((one) => one.name === output)),
  );
  const head = Buffer.from(text);
  const body = isBinary ? Buffer.concat([head, ...outputs.map(({ bytes }) => bytes)]) : head;
  const packs = headers['accept-encoding'] === 'gzip';
  outgoing.writeHead(200, {
    'content-type': 'application/json',
    ...(isBinary && { 'inference-header-content-length': String(head.length) }),
    ...(packs && { 'content-encoding': 'gzip' }),
  });
  outgoing.end(packs ? gzipSync(body) : body);
}

function listOf(tensor: ServedTensor | undefined): string {
  if (tensor === undefined) return '[]';
  const { datatype, bytes } = tensor;
  if (datatype === 'BYTES') return JSON.stringify(textsIn(tensor));
  const size = sizes[datatype] ?? 1;
  const read: Readonly<Record<string, (at: number) => unknown>> = {
    FP32: (at) => bytes.readFloatLE(at),
    FP64: (at) => bytes.readDoubleLE(at),
    INT64: (at) => bytes.readBigInt64LE(at),
    INT8: (at) => bytes.readInt8(at),
    BOOL: (at) => bytes.readUInt8(at) === 1,
  };
  return `[${Array.from({ length: bytes.length / size }, (_, at) => String(read[datatype]?.(at * size))).join(',')}]`;
}
