import type { ChatOptions } from '../model.ts';
import type { ModelFacts } from './model-facts.ts';
import type { GenerateOptions } from './triton-options.ts';

type Fields = Readonly<Record<string, unknown>>;

/** What a request for text holds, of what the model says that it takes: anything else would be a parameter that makes vLLM forget all others. */
export function generateRequest(
  text: string,
  options: ChatOptions,
  stop: readonly string[],
  generate: GenerateOptions,
  { inputs }: ModelFacts,
): Fields {
  const fields =
    generate.backend === 'vllm'
      ? vllmFields(options, stop, generate, inputs.has('sampling_parameters'))
      : tensorRtFields(options, stop, generate);
  const { parameters, ...tensors } = fields as { readonly parameters?: Fields };
  const known = Object.fromEntries(
    Object.entries(tensors as Fields).filter(([name, value]) => value !== undefined && (inputs.size === 0 || inputs.has(name))),
  );
  return { text_input: text, ...known, ...(parameters && { parameters }) };
}

const given = (fields: Fields): Fields => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

/** Lists fit into the text of `sampling_parameters` alone; without it what ends an answer is found here. */
function vllmFields(
  { maxTokens, temperature, topP, topK, minP, seed, jsonSchema }: ChatOptions,
  stop: readonly string[],
  { stream = true }: GenerateOptions,
  takesText: boolean,
): Fields {
  const schema = jsonSchema && JSON.stringify({ json: jsonSchema });
  const sampling = given({ max_tokens: maxTokens, temperature, top_p: topP, top_k: topK, min_p: minP, seed, structured_outputs: schema });
  const lists = stop.length === 0 ? {} : { stop };
  return {
    ...(takesText ? { sampling_parameters: JSON.stringify({ ...sampling, ...lists }) } : { parameters: sampling }),
    stream,
    exclude_input_in_output: true,
    return_finish_reason: true,
    return_num_input_tokens: true,
    return_num_output_tokens: true,
  };
}

/** Temperature 0 is the likeliest token alone. Its older ensembles want `bad_words` and `stop_words` to be there. */
function tensorRtFields(
  { maxTokens, temperature = 0, topP, topK, seed, jsonSchema }: ChatOptions,
  stop: readonly string[],
  { stream = true }: GenerateOptions,
): Fields {
  return {
    max_tokens: maxTokens,
    ...(temperature === 0 ? { top_k: 1 } : { temperature, top_k: topK, top_p: topP }),
    random_seed: seed,
    seed,
    stop_words: stop.length === 0 ? '' : stop,
    bad_words: '',
    stream,
    exclude_input_in_output: true,
    ...(jsonSchema && { guided_decoding_guide_type: 'json_schema', guided_decoding_guide: JSON.stringify(jsonSchema) }),
  };
}
