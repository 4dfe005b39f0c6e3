/**
 * A value of Avro for people and `jq`: text as it is, everything else as JSON in one line. Numbers of 64 bits are decimal texts, which every reader keeps
 * exactly; times ISO texts; bytes base64; what JSON does not have (NaN, Infinity) its name.
 */
export function avroText(value: unknown): string {
  const plain = jsonValue(value);
  return typeof plain === 'string' ? plain : JSON.stringify(plain);
}

function jsonValue(value: unknown): unknown {
  if (typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value))) return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(jsonValue);
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, jsonValue(one)]));
}
