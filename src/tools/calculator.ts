import { formatValue } from './internal/calculator/arithmetic.ts';
import { evaluate } from './internal/calculator/evaluate.ts';
import { mostCharacters } from './internal/calculator/tokens.ts';
import { textInput } from './internal/text-input.ts';
import { type Tool, tool } from './tool.ts';

/**
 * The tool `calculator`: an expression of numbers, `+ - * / // % ^ **`, `!`, parentheses, functions and constants, with Python's precedence and meaning (`-2^2` is -4, `2^3^2` is 512, `//` and `%` floor).
 * Whole numbers are exact up to 4,096 bits, all others are doubles.
 *
 * In: `{ expression }`, at most 1,000 characters, nested 64 deep. Out: the number as text. Takes less than 1 ms; no code is made of what it is given.
 * @throws ToolError (from `run`) `tool_refused` with the place of what is wrong, counted from 1.
 */
export function calculator(): Tool<{ readonly expression: string }> {
  return tool({
    name: 'calculator',
    description:
      'Computes an expression exactly, such as (3 + 4) * 2^10 / sqrt(2). Operators + - * / // % ^ !, parentheses, constants pi e tau; functions abs, sqrt, cbrt, exp, ln, log(x, base), log10, log2, sin, cos, tan (radians), asin, acos, atan, atan2, sinh, cosh, tanh, degrees, radians, floor, ceil, round(x, digits), trunc, sign, min, max, sum, mean, gcd, lcm, factorial, comb, perm, hypot, mod, pow.',
    ...textInput({ expression: { description: 'the expression', maxLength: mostCharacters } }),
    run: ({ expression }) => Promise.resolve({ text: formatValue(evaluate(expression)) }),
  });
}
