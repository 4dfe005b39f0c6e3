import { z } from 'zod';
import { avro } from '../../../src/codec/avro/avro.ts';
import type { Codec } from '../../../src/codec/codec.ts';
import { json } from '../../../src/codec/json.ts';
import { text } from '../../../src/codec/text.ts';
import { hostileSchema } from './avro-cases.ts';
import type { HostileCase } from './case.ts';

/** With the bounds that they have by default. */
export const codecOf = (codec: HostileCase['codec']): Codec<unknown> => {
  switch (codec) {
    case 'avro':
      return avro(hostileSchema);
    case 'json':
      return json();
    case 'json with a schema':
      return json(z.array(z.number()));
    case 'text':
      return text();
  }
};
