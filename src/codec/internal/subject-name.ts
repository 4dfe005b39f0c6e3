import { OptionError, requireText } from '../../errors.ts';
import type { CodecUse } from '../codec.ts';

/** What a subject's name is made of. */
export interface SubjectParts {
  readonly topic: string;
  readonly part: 'key' | 'value';
  /** The full name of an Avro record, the title of a JSON Schema; undefined where the schema has none, or none is given. */
  readonly recordName: string | undefined;
}

/**
 * How subjects are called, as Confluent's clients have it: `topic` (`orders-value`, `orders-key`), `record` (`com.acme.Order`), `topic-record` (`orders-com.acme.Order`),
 * or a function of one's own.
 */
export type SubjectStrategy = 'topic' | 'record' | 'topic-record' | ((parts: SubjectParts) => string);

export function requireStrategy(name: string, strategy: unknown): asserts strategy is SubjectStrategy {
  if (typeof strategy === 'function' || strategy === 'topic' || strategy === 'record' || strategy === 'topic-record') return;
  throw new OptionError(`${name} must be topic, record, topic-record or a function, got ${typeof strategy}`);
}

/** @throws OptionError for a strategy that needs the name of a record where there is none */
export function subjectName(strategy: SubjectStrategy, { topic, part }: CodecUse, recordName: string | undefined): string {
  if (strategy === 'topic') return `${topic}-${part}`;
  if (typeof strategy === 'function') {
    const subject = strategy({ topic, part, recordName });
    requireText(`what strategy returns for the ${part} of topic ${topic}`, subject);
    return subject;
  }
  if (recordName === undefined)
    throw new OptionError(
      `strategy '${strategy}' needs the name of a record for the ${part} of topic ${topic}: give a schema that has one, or a subject`,
    );
  return strategy === 'record' ? recordName : `${topic}-${recordName}`;
}
