type State = 'value' | 'value or ]' | 'key' | 'key or }' | 'colon' | 'after';

const space = /[ \t\n\r]*/y;
const scalar = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)/y;
const plain = /[^"\\\u0000-\u001f]*/y;
const escape = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/y;

/**
 * Where text stops being JSON, in characters from its beginning; its length where only the end is missing. V8 says it in
 * some of its messages only, and quotes the text in all of them. Reads the text once, without recursion.
 */
export function jsonErrorOffset(text: string): number {
  const open: string[] = []; // the closing brackets that are still owed
  let state: State = 'value';
  let at = endOf(space, text, 0);
  while (at < text.length) {
    const kind = kindOf(text.charAt(at));
    const next = transition(state, kind, open);
    if (next === undefined) return at;
    const [end, whole] = endOfToken(kind, text, at);
    if (!whole) return end;
    state = next;
    at = endOf(space, text, end);
  }
  return at;
}

const kindOf = (char: string): string => ('{}[],:"'.includes(char) ? char : 'scalar');

function transition(state: State, kind: string, open: string[]): State | undefined {
  if (kind === open.at(-1) && (state === 'after' || (state.endsWith(kind) && state !== 'value'))) {
    open.pop();
    return 'after';
  }
  if (state === 'after') return kind === ',' && open.length > 0 ? (open.at(-1) === '}' ? 'key' : 'value') : undefined;
  if (state === 'colon') return kind === ':' ? 'value' : undefined;
  if (state === 'key' || state === 'key or }') return kind === '"' ? 'colon' : undefined;
  if (kind === '{' || kind === '[') {
    open.push(kind === '{' ? '}' : ']');
    return kind === '{' ? 'key or }' : 'value or ]';
  }
  return kind === '"' || kind === 'scalar' ? 'after' : undefined;
}

/** The end of the token at `at`, or where it breaks. */
function endOfToken(kind: string, text: string, at: number): readonly [end: number, whole: boolean] {
  if (kind === 'scalar') {
    const end = endOf(scalar, text, at);
    return [end, end > at];
  }
  if (kind !== '"') return [at + 1, true];
  // piece by piece: one pattern for a whole string would keep a way back for each of its characters
  for (let end = at + 1; ; ) {
    end = endOf(plain, text, end);
    if (text.charAt(end) === '"') return [end + 1, true];
    const next = endOf(escape, text, end);
    if (next === end) return [end, false];
    end = next;
  }
}

function endOf(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}
