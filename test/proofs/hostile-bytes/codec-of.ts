import { z } from 'zod';
import { avro } from '../../../src/codec/avro/avro.ts';
import type { Codec } from '../../../src/codec/codec.ts';
import { json } from '../../../src/codec/json.ts';
import { jsonSchema } from '../../../src/codec/json-schema/json-schema.ts';
import { memoryRegistry } from '../../../src/codec/memory-registry.ts';
import { text } from '../../../src/codec/text.ts';
import { hostileSchema } from './avro-cases.ts';
import type { HostileCase } from './case.ts';
import { ids } from './framed-cases.ts';

const registry = memoryRegistry();
let registering: Promise<unknown> | undefined;

/** Opened when both schemas have their ids. */
const registered = (codec: Codec<unknown>): Codec<unknown> => ({
  ...codec,
  open: async (use) => {
    registering ??= registerBoth();
    await registering;
    return codec.open?.(use) ?? codec;
  },
});

async function registerBoth(): Promise<void> {
  const avroSchema = await registry.register('hostile.framed-value', { schema: JSON.stringify(hostileSchema) });
  const schema = JSON.stringify({ type: 'array', items: { type: 'number' } });
  const jsonSchemaOf = await registry.register('hostile.schemas-value', { schema, schemaType: 'JSON' });
  if (avroSchema.id !== ids.avro || jsonSchemaOf.id !== ids.json) throw new Error('expected the schemas to have the ids of the cases');
}

/** With the bounds that they have by default. */
export const codecOf = (codec: Exclude<HostileCase['codec'], 'avro file'>): Codec<unknown> => {
  switch (codec) {
    case 'avro':
      return avro(hostileSchema);
    case 'json':
      return json();
    case 'json with a schema':
      return json(z.array(z.number()));
    case 'avro framed':
      return registered(avro({ registry }));
    case 'json schema framed':
      return registered(jsonSchema({ registry }));
    case 'text':
      return text();
  }
};
