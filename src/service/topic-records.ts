import { messageOf } from '../errors.ts';
import { jsonElements } from '../runtime/json-members.ts';
import { fromJsonRecord, type RawRecord } from '../runtime/json-record.ts';
import { RequestError } from './openai/api-error.ts';

const mostRecords = 10_000;

/**
 * The records of a body: a JSON object is one, an array many, of NDJSON each line; numbers and white space of values stay as they are written.
 * @throws RequestError that names the first that is none, never what stands in it.
 */
export function recordsIn(body: unknown, contentType: string): readonly RawRecord[] {
  if (typeof body !== 'string' || body.trim() === '')
    throw new RequestError('the body must be a record as JSON, an array of them, or NDJSON');
  const texts = contentType.includes('ndjson') ? body.split('\n').filter((line) => line.trim() !== '') : elementsOf(body);
  if (texts.length === 0 || texts.length > mostRecords)
    throw new RequestError(`a request must hold 1 to ${String(mostRecords)} records, got ${String(texts.length)}`);
  return texts.map((text, i) => {
    try {
      return fromJsonRecord(text);
    } catch (error) {
      throw new RequestError(`record ${String(i)}: ${messageOf(error)}`, { param: String(i) });
    }
  });
}

function elementsOf(body: string): readonly string[] {
  if (!body.trimStart().startsWith('[')) return [body];
  try {
    JSON.parse(body);
  } catch {
    throw new RequestError('the body is not JSON');
  }
  return jsonElements(body);
}
