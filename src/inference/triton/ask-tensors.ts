import { InferenceError } from '../../errors.ts';
import type { Tensor } from '../model.ts';
import type { ModelFacts } from './model-facts.ts';
import { readResponse } from './read-response.ts';
import type { Asked, TritonCalls } from './triton-calls.ts';
import { Refused } from './triton-error.ts';
import { defaultMaxBytes, jsonOf } from './triton-http.ts';
import type { TritonOptions } from './triton-options.ts';
import { type RequestedOutput, writeRequest } from './write-request.ts';

export interface AskTensors {
  /** Another model of the server. */
  readonly model?: string | undefined;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly RequestedOutput[];
}

/** One request for tensors, which are checked against what the model says of itself before anything is sent. */
export async function askTensors(calls: TritonCalls, asked: Asked, { model, inputs, outputs }: AskTensors): Promise<readonly Tensor[]> {
  const { options, http, shownUrl } = calls;
  const { path, facts } = calls.model(model);
  const known = await facts.get(asked.signal);
  const { binary = known.extensions.has('binary_tensor_data'), maxRequestBytes = defaultMaxBytes } = options;
  for (const input of inputs) requireShape(input, known);
  const { body, headerLength } = writeRequest(inputs, {
    isBinary: binary,
    dataTypeOf: (name) => known.inputs.get(name)?.datatype,
    parameters: parametersOf(options, asked, known),
    outputs,
    maxBytes: maxRequestBytes,
  });
  const headers = {
    ...asked.headers,
    ...(headerLength === undefined
      ? {}
      : { 'content-type': 'application/octet-stream', 'inference-header-content-length': String(headerLength) }),
  };
  try {
    const response = await http({ path: `${path}/infer`, body, headers, signal: asked.signal });
    const ends = response.headers.get('inference-header-content-length');
    const tensors =
      ends === null ? await textual(response, shownUrl) : readResponse(Buffer.from(await response.arrayBuffer()), ends).outputs;
    for (const { name } of outputs)
      if (!tensors.some((one) => one.name === name))
        throw new InferenceError('model_failed', `expected output ${name} from ${shownUrl}, got an answer without it`);
    return tensors;
  } catch (error) {
    if (error instanceof Refused && error.status >= 400 && error.status < 500) facts.forget(); // the model may be another one by now
    throw error;
  }
}

async function textual(response: Response, shownUrl: string): Promise<readonly Tensor[]> {
  const bytes = Buffer.from(await response.arrayBuffer());
  // what is no answer at all is told by what it is
  if (!/^\s*\{/.test(bytes.toString('latin1', 0, 64)) || /^\s*\{\s*"error"/.test(bytes.toString('latin1', 0, 64)))
    await jsonOf(new Response(new Uint8Array(bytes)), shownUrl);
  return readResponse(bytes, null).outputs;
}

/** @throws InferenceError `model_rejected` for a tensor of a shape that the model does not take. Names that it does not speak of are for the server to judge. */
function requireShape({ name, shape }: Tensor, { inputs }: ModelFacts): void {
  const declared = inputs.get(name)?.shape;
  // some servers tell shapes without the batch's dimension, or none
  if (declared === undefined || declared.length !== shape.length) return;
  if (declared.every((size, at) => size < 0 || size === shape[at])) return;
  throw new InferenceError(
    'model_rejected',
    `expected a shape of [${declared.join(', ')}] for input ${name}, where -1 is any, got [${shape.join(', ')}]`,
  );
}

function parametersOf(
  { parameters = {}, priority, sequence, tellsTimeout = true }: TritonOptions,
  { leftMs, of }: Asked,
  { extensions }: ModelFacts,
) {
  const place = sequence?.(of);
  const tells = tellsTimeout && extensions.has('schedule_policy') && Number.isFinite(leftMs);
  return {
    ...parameters,
    ...(priority && { priority: Math.max(0, Math.trunc(priority(of))) }),
    ...(tells && { timeout: Math.max(1, Math.ceil(leftMs * 1_000)) }),
    ...(place && { sequence_id: place.id, sequence_start: place.start ?? false, sequence_end: place.end ?? false }),
  };
}
