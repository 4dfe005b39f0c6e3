import { InferenceError } from '../../errors.ts';
import type { Tensor, TensorData } from '../model.ts';
import { type DataType, dataTypes, isDataType } from './data-type.ts';

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);

const failed = (message: string): InferenceError => new InferenceError('model_failed', message);

/** What the server names of itself beside the tensors. */
export interface ReadResponse {
  readonly outputs: readonly Tensor[];
  readonly json: Fields;
}

/**
 * The tensors of an answer. `headerLength` is what the server says of where its JSON ends; the rest are the tensors' bytes in their order.
 * @throws InferenceError `model_failed` where sizes, shapes and bytes do not agree, `answer_invalid` for texts that are not UTF-8.
 */
export function readResponse(bytes: Buffer, headerLength: string | null): ReadResponse {
  const end = headerLength === null ? bytes.length : Number(headerLength);
  if (!Number.isSafeInteger(end) || end < 0 || end > bytes.length)
    throw failed(`expected a length of the JSON from 0 to ${String(bytes.length)}, got ${JSON.stringify(headerLength?.slice(0, 40))}`);
  const text = bytes.toString('utf8', 0, end);
  const json = parsed(text);
  if (!Array.isArray(json['outputs'])) throw failed('expected an answer with outputs, got one without');
  const rest = new Rest(bytes.subarray(end));
  const exact = json['outputs'].some(isLongList)
    ? (parsed(text, exactNumbers)['outputs'] as readonly unknown[])
    : (json['outputs'] as readonly unknown[]);
  const outputs = exact.map((one, index) => readTensor(one, `outputs[${String(index)}]`, rest));
  if (rest.left > 0) throw failed(`expected as many bytes as the outputs say, got ${String(rest.left)} more`);
  const names = new Set(outputs.map(({ name }) => name));
  if (names.size < outputs.length) throw failed('expected outputs of different names, got one twice');
  return { outputs, json };
}

function parsed(text: string, reviver?: (key: string, value: unknown) => unknown): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text, reviver);
  } catch {
    throw failed('expected an answer in JSON, got text that is not');
  }
  if (!isFields(value)) throw failed('expected an answer that is an object of JSON, got another value');
  return value;
}

/** Whether an output may hold numbers that JSON.parse rounds. */
const isLongList = (output: unknown): boolean =>
  isFields(output) && /^U?INT64$/.test(String(output['datatype'])) && output['data'] !== undefined;

/** Integers beyond 2^53 as bigints, by their text. */
const exactNumbers = (_: string, value: unknown, context?: { readonly source?: string }): unknown =>
  typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? '') ? BigInt(context?.source ?? 0) : value;

/** Bytes that are taken from the front. */
class Rest {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  take(size: number, where: string): Buffer {
    if (size > this.left) throw failed(`expected ${String(size)} bytes of ${where}, got ${String(this.left)}`);
    this.#at += size;
    return this.#bytes.subarray(this.#at - size, this.#at);
  }
}

const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

function readTensor(output: unknown, where: string, rest: Rest): Tensor {
  if (!isFields(output)) throw failed(`expected ${where} to be an object, got another value`);
  const { name, shape, datatype, data, parameters } = output;
  if (typeof name !== 'string' || name === '') throw failed(`expected ${where} to have a name, got none`);
  if (!isDataType(datatype)) throw failed(`expected a datatype of the protocol for output ${name}, got ${String(datatype).slice(0, 40)}`);
  if (!Array.isArray(shape) || !shape.every(isSize)) throw failed(`expected a shape of integers for output ${name}, got another one`);
  const count = shape.reduce((product, one) => product * one, 1);
  if (!Number.isSafeInteger(count)) throw failed(`expected a shape that memory holds for output ${name}, got [${shape.join(', ')}]`);
  const size = isFields(parameters) ? parameters['binary_data_size'] : undefined;
  if (size !== undefined) {
    if (!isSize(size)) throw failed(`expected a size in bytes for output ${name}, got ${JSON.stringify(size).slice(0, 40)}`);
    return { name, shape, data: fromBytes(rest.take(size, `output ${name}`), datatype, count, name) };
  }
  // values may be nested as the shape is, or flat
  const values = Array.isArray(data) ? (data.flat(shape.length) as readonly unknown[]) : undefined;
  if (values === undefined || values.length !== count)
    throw failed(`expected ${String(count)} values of output ${name}, got ${values === undefined ? 'none' : String(values.length)}`);
  return { name, shape, data: fromValues(values, datatype, name) };
}

function fromBytes(bytes: Buffer, datatype: DataType, count: number, name: string): TensorData {
  if (datatype === 'BYTES') return textsOf(bytes, count, name);
  const type = dataTypes[datatype];
  if (bytes.length !== count * type.bytes)
    throw failed(`expected ${String(count)} values of ${datatype} for output ${name}, got ${String(bytes.length)} bytes`);
  return type.read(bytes);
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function textsOf(bytes: Buffer, count: number, name: string): readonly string[] {
  const texts: string[] = [];
  let at = 0;
  while (at < bytes.length) {
    const length = at + 4 <= bytes.length ? bytes.readUInt32LE(at) : Infinity;
    if (at + 4 + length > bytes.length) throw failed(`expected whole texts in output ${name}, got one that is longer than what is left`);
    texts.push(textOf(bytes.subarray(at + 4, at + 4 + length), name));
    at += 4 + length;
  }
  if (texts.length !== count) throw failed(`expected ${String(count)} texts of output ${name}, got ${String(texts.length)}`);
  return texts;
}

function textOf(bytes: Buffer, name: string): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new InferenceError(
      'answer_invalid',
      `expected texts in UTF-8 in output ${name}, got other bytes; let the model give them as UINT8`,
    );
  }
}

function fromValues(values: readonly unknown[], datatype: DataType, name: string): TensorData {
  const kind = datatype === 'BYTES' ? 'string' : datatype === 'BOOL' ? 'boolean' : 'number';
  const at = values.findIndex(
    (one) => typeof one !== kind && !(kind === 'number' && typeof one === 'bigint') && !(kind === 'boolean' && (one === 0 || one === 1)),
  );
  if (at >= 0) throw failed(`expected a ${kind} at ${String(at)} of output ${name}, which is ${datatype}, got ${typeof values[at]}`);
  if (datatype === 'BYTES') return values as readonly string[];
  if (datatype === 'BOOL') return Uint8Array.from(values, Number);
  const type = dataTypes[datatype];
  const isLong = datatype === 'INT64' || datatype === 'UINT64';
  const exact = isLong && values.every((one) => typeof one === 'bigint' || Number.isInteger(one));
  const made = type.from(exact ? bigints(values as readonly (number | bigint)[], datatype) : Float64Array.from(values, Number));
  if ('badAt' in made || (isLong && !exact)) throw failed(`expected values of ${datatype} in output ${name}, got others`);
  return made;
}

/** Beyond 64 bits a value wraps round: it is made a fraction, which no whole type takes. */
function bigints(values: readonly (number | bigint)[], datatype: 'INT64' | 'UINT64') {
  const made = (datatype === 'INT64' ? BigInt64Array : BigUint64Array).from(values.map(BigInt));
  return values.every((one, at) => made[at] === BigInt(one)) ? made : Float64Array.of(0.5);
}
