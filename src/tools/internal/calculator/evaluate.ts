import { add, bounded, divide, floorDivide, modulo, multiply, power, subtract, type Value } from './arithmetic.ts';
import { Cursor, hint, told } from './cursor.ts';
import { constants, factorial, functions } from './functions.ts';
import { refuse, type Token } from './tokens.ts';

type Signs = ReadonlyMap<string, typeof add>;

const sums: Signs = new Map([
  ['+', add],
  ['-', subtract],
]);
const products: Signs = new Map([
  ['*', multiply],
  ['/', divide],
  ['//', floorDivide],
  ['%', modulo],
]);

/**
 * The value of an expression, computed while it is read: `sum = product (± product)*`, `product = signed (* signed)*`, `signed = ± signed | power`, `power = factorial (^ signed)?`.
 * So a power binds tighter than the sign before it, looser than the one behind it, and from the right.
 * @throws ToolError `tool_refused` with the place.
 */
export function evaluate(expression: string): Value {
  const cursor = new Cursor(expression);
  const value = sum(cursor);
  const left = cursor.peek();
  if (left.kind !== 'end') throw refuse(`expected an operator or the end, got ${told(left)}${hint(left)}`, left.at);
  return value;
}

const sum = (cursor: Cursor): Value => chain(cursor, product, sums);
const product = (cursor: Cursor): Value => chain(cursor, signed, products);

function chain(cursor: Cursor, part: (cursor: Cursor) => Value, signs: Signs): Value {
  let value = part(cursor);
  for (;;) {
    const { kind, text, at } = cursor.peek();
    const apply = kind === 'sign' ? signs.get(text) : undefined;
    if (apply === undefined) return value;
    cursor.take();
    value = apply(value, part(cursor), at);
  }
}

function signed(cursor: Cursor): Value {
  if (cursor.takes('-')) return cursor.deeper(() => -signed(cursor));
  if (cursor.takes('+')) return cursor.deeper(() => signed(cursor));
  const base = factorials(cursor);
  const { at } = cursor.peek();
  return cursor.takes('^') ? cursor.deeper(() => power(base, signed(cursor), at)) : base;
}

function factorials(cursor: Cursor): Value {
  let value = atom(cursor);
  for (;;) {
    const { at } = cursor.peek();
    if (!cursor.takes('!')) return value;
    value = factorial(value, at);
  }
}

function atom(cursor: Cursor): Value {
  const token = cursor.take();
  if (token.kind === 'number') return numberOf(token);
  if (token.kind === 'name') return named(cursor, token);
  if (token.kind !== 'sign' || token.text !== '(') throw refuse(`expected a number, a name or "(", got ${told(token)}`, token.at);
  return cursor.deeper(() => {
    const value = sum(cursor);
    cursor.expect(')');
    return value;
  });
}

function named(cursor: Cursor, { text, at }: Token): Value {
  const name = text.toLowerCase();
  const constant = constants.get(name);
  if (constant !== undefined) return constant;
  const known = functions.get(name);
  if (known === undefined) throw refuse(`expected a function or a constant, got ${JSON.stringify(text)}`, at);
  cursor.expect('(');
  const given = cursor.deeper(() => numbers(cursor));
  const [least, most] = known.takes;
  if (given.length < least || given.length > most) {
    throw refuse(`${name} takes ${least === most ? '' : `${String(least)} to `}${String(most)} numbers, got ${String(given.length)}`, at);
  }
  return bounded(known.apply(given, at), at);
}

/** Up to the closing parenthesis. */
function numbers(cursor: Cursor): readonly Value[] {
  const given: Value[] = [];
  if (cursor.takes(')')) return given;
  do given.push(sum(cursor));
  while (cursor.takes(','));
  cursor.expect(')');
  return given;
}

const numberOf = ({ text, at }: Token): Value => bounded(/^\d+$/.test(text) ? BigInt(text) : Number(text), at);
