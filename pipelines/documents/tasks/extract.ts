import { definePrompt, type JsonSchemaObject, jsonSchema, messageOf, OptionError } from 'millrace';
import { map, of } from 'rxjs';
import { type Json, mergeExtractions } from '../merge/merge-extractions.ts';
import type { Task, TaskOptions } from './task.ts';

const longest = 512;

/**
 * What a JSON Schema asks for, found in the document: the union over its chunks, with the places where they contradict each other.
 * @param name what the schema is called, in the label and in messages: its file.
 * @throws OptionError for what is no JSON Schema of an object.
 */
export function extractTask(name: string, schema: JsonSchemaObject, { slots }: TaskOptions): Task {
  const label = `extract=${name}`;
  if (schema['type'] !== 'object')
    throw new OptionError(`task ${label} must be a JSON Schema of an object: { "type": "object", "properties": { … } }`);
  const fits = standardSchema(label, schema);
  const prompt = definePrompt<string>({
    name: 'documents.extract',
    version: '1',
    user: [
      'Find in the following text what this JSON Schema asks for, and answer with JSON that fits it. Leave out, or leave empty, what the text does not say.',
      JSON.stringify(schema),
      (text) => text,
    ],
    slots,
  });
  return {
    label,
    kind: 'extract',
    mayOverlap: true,
    contextShare: 1,
    question: {
      step: 'extract',
      prompt,
      maxTokens: longest,
      mayShorten: true,
      ask: (model, text, { temperature }, ctx) =>
        model
          .answer(prompt(text), { schema: fits, jsonSchema: schema, repairs: 1, maxTokens: longest, temperature }, ctx)
          .pipe(map(({ value, usage }) => ({ value: value as Json, inputTokens: usage.inputTokens, outputTokens: usage.outputTokens }))),
    },
    merge: (parts) => {
      const { value, conflicts } = mergeExtractions(parts);
      return of({ value, conflicts } as unknown as Json);
    },
  };
}

/** The codec's checks, which end in bounded time whatever the patterns of a schema are, as a Standard Schema. */
function standardSchema(label: string, schema: JsonSchemaObject) {
  const codec = codecOf(label, schema);
  const validate = (value: unknown): { readonly value: Json } | { readonly issues: readonly { readonly message: string }[] } => {
    try {
      return { value: codec.decode(new TextEncoder().encode(JSON.stringify(value))) };
    } catch (error) {
      return { issues: [{ message: messageOf(error) }] };
    }
  };
  return { '~standard': { version: 1, vendor: 'millrace', validate } } as const;
}

function codecOf(label: string, schema: JsonSchemaObject) {
  try {
    return jsonSchema<Json>({ schema });
  } catch (error) {
    throw new OptionError(`task ${label} is no JSON Schema that can be used: ${messageOf(error)}`, { cause: error });
  }
}
