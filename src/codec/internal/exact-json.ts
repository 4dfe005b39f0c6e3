interface WithRaw {
  rawJSON(text: string): unknown;
}

/** Node has it, the compiler does not know of it yet. */
const withRaw = JSON as unknown as WithRaw;

/** JSON whose whole numbers that a number cannot hold exactly are bigints: the default of a long, say. @throws SyntaxError */
export function parseExactJson(text: string): unknown {
  return /\d{16}/.test(text) ? JSON.parse(text, exact as (key: string, value: unknown) => unknown) : JSON.parse(text);
}

function exact(_key: string, value: unknown, { source }: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value) || source === undefined) return value;
  return /^-?\d+$/.test(source) ? BigInt(source) : value;
}

/** The other way: a bigint becomes a number with all its digits. */
export const exactJson = (value: unknown): string =>
  JSON.stringify(value, (_key, one: unknown) => (typeof one === 'bigint' ? withRaw.rawJSON(String(one)) : one));
