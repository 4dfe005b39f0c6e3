import { InferenceError } from '../../errors.ts';
import type { Tensor } from '../model.ts';
import { type DataType, dataTypeOf, dataTypes, isText } from './data-type.ts';

/** What of a request is no tensor. */
export interface RequestForm {
  /** Whether tensors go and come as bytes behind the JSON. */
  readonly isBinary: boolean;
  /** As the model's metadata says; a tensor that it does not name goes as what it is. */
  readonly dataTypeOf: (name: string) => DataType | undefined;
  readonly parameters: Readonly<Record<string, string | number | boolean>>;
  /** Which outputs are asked for; all where none is named. */
  readonly outputs: readonly RequestedOutput[];
  /** Longest body in bytes. */
  readonly maxBytes: number;
}

export interface RequestedOutput {
  readonly name: string;
  /** So many likeliest classes in place of the tensor. */
  readonly classification?: number | undefined;
}

export interface WrittenRequest {
  readonly body: Buffer;
  /** Length of the JSON before the tensors; undefined where there is nothing but JSON. */
  readonly headerLength: number | undefined;
}

const rejected = (message: string): InferenceError => new InferenceError('model_rejected', message);

/** The body of an inference request. @throws InferenceError `model_rejected` for values that the model's kind of input does not hold, and for too much. */
export function writeRequest(inputs: readonly Tensor[], form: RequestForm): WrittenRequest {
  const { isBinary, parameters, outputs, maxBytes } = form;
  const written = inputs.map((tensor) => ({ tensor, ...writeTensor(tensor, form) }));
  const told = { ...parameters, ...(isBinary ? { binary_data_output: true } : {}) };
  const parts = [
    ...(Object.keys(told).length === 0 ? [] : [`"parameters":${JSON.stringify(told)}`]),
    `"inputs":[${written.map(({ json }) => json).join(',')}]`,
    ...(outputs.length === 0 ? [] : [`"outputs":${JSON.stringify(outputs.map(requested))}`]),
  ];
  const header = Buffer.from(`{${parts.join(',')}}`);
  const tails = written.flatMap(({ bytes }) => (bytes === undefined ? [] : [bytes]));
  const length = tails.reduce((sum, bytes) => sum + bytes.length, header.length);
  if (length > maxBytes)
    throw rejected(
      `expected a request of at most ${String(maxBytes)} bytes, got ${String(length)}; send fewer rows, or raise maxRequestBytes (and --http-max-input-size of the server)`,
    );
  return { body: tails.length === 0 ? header : Buffer.concat([header, ...tails]), headerLength: isBinary ? header.length : undefined };
}

const requested = ({ name, classification }: RequestedOutput) =>
  classification === undefined ? { name } : { name, parameters: { classification, binary_data: false } };

interface WrittenTensor {
  readonly json: string;
  readonly bytes: Buffer | undefined;
}

function writeTensor({ name, shape, data }: Tensor, { isBinary, dataTypeOf: declared }: RequestForm): WrittenTensor {
  const datatype = declared(name) ?? dataTypeOf(data);
  const about = `"name":${JSON.stringify(name)},"shape":[${shape.join(',')}],"datatype":"${datatype}"`;
  const packed = (bytes: Buffer): WrittenTensor => ({
    json: `{${about},"parameters":{"binary_data_size":${String(bytes.length)}}}`,
    bytes,
  });
  const listed = (values: string): WrittenTensor => ({ json: `{${about},"data":[${values}]}`, bytes: undefined });
  if (datatype === 'BYTES') {
    if (!isText(data)) throw rejected(`expected texts for input ${name}, which is BYTES, got numbers`);
    return isBinary ? packed(packedTexts(data)) : listed(data.map((text) => JSON.stringify(text)).join(','));
  }
  if (isText(data)) throw rejected(`expected numbers for input ${name}, which is ${datatype}, got texts`);
  const type = dataTypes[datatype];
  const values = type.from(data);
  if ('badAt' in values)
    throw rejected(`expected values of ${datatype} for input ${name}, got ${String(data[values.badAt])} at ${String(values.badAt)}`);
  if (isBinary) return packed(type.write(values));
  if (datatype === 'BOOL') return listed(Array.from(values as Uint8Array, (one) => (one === 0 ? 'false' : 'true')).join(','));
  const bad = Array.from<number | bigint>(values).findIndex((one) => typeof one === 'number' && !Number.isFinite(one));
  if (bad >= 0)
    throw rejected(
      `expected finite numbers for input ${name}, got ${String(values[bad])} at ${String(bad)}; JSON has none, binary: true sends them`,
    );
  return listed(values.join(','));
}

/** Each text's length in bytes, then its bytes. */
function packedTexts(texts: readonly string[]): Buffer {
  return Buffer.concat(
    texts.flatMap((text) => {
      const bytes = Buffer.from(text);
      const length = Buffer.allocUnsafe(4);
      length.writeUInt32LE(bytes.length);
      return [length, bytes];
    }),
  );
}
