import { describe, expect, it } from 'vitest';
import { calculator } from '../../src/tools/calculator.ts';
import { evaluate } from '../../src/tools/internal/calculator/evaluate.ts';
import { formatValue } from '../../src/tools/internal/calculator/arithmetic.ts';
import { runTool } from '../../src/tools/tool.ts';
import { canCompare, compareWithPython, quickest } from '../proofs/calculator/compare-with-python.ts';
import { functionErrors } from '../proofs/calculator/function-errors.ts';
import { hostileExpressions } from '../proofs/calculator/hostile-expressions.ts';

const compute = (expression: string): string => formatValue(evaluate(expression));
const messageFrom = (expression: string): string => {
  try {
    return `no error: ${compute(expression)}`;
  } catch (error) {
    return (error as Error).message;
  }
};

describe('calculator', () => {
  it.each([
    ['1 + 2 * 3', '7'],
    ['-2^2', '-4'],
    ['2^3^2', '512'],
    ['2**-1', '0.5'],
    ['2^-3^2', String(2 ** -9)],
    ['--2', '2'],
    ['2 - -2', '4'],
    ['-3!', '-6'],
    ['3!^2', '36'],
    ['3!!', '720'],
    ['7 // 2', '3'],
    ['-7 // 2', '-4'],
    ['-7 % 3', '2'],
    ['7 % -3', '-2'],
    ['-7.5 % 2', '0.5'],
    ['6 / 3', '2'],
    ['1 / 3', String(1 / 3)],
    ['2^100', '1267650600228229401496703205376'],
    ['2^64 * 2^64 / 2^127', '2'],
    ['0.1 + 0.2', '0.30000000000000004'],
    ['.5 + 1.', '1.5'],
    ['1e3', '1000'],
    ['3 × 4 ÷ 2 − 1', '5'],
    ['2 * π', String(2 * Math.PI)],
    ['PI', String(Math.PI)],
    ['sqrt(16)', '4'],
    ['log(8, 2)', '3'],
    ['log10(1000)', '3'],
    ['log2(2^2000)', '2000'],
    ['ln(e)', '1'],
    ['round(2.5)', '2'],
    ['round(3.5)', '4'],
    ['round(-2.5)', '-2'],
    ['round(0.125, 2)', '0.12'],
    ['round(2.675, 2)', '2.67'],
    ['round(0.375, 2)', '0.38'],
    ['floor(-0.5)', '-1'],
    ['min(3, 1.5, 2)', '1.5'],
    ['max(2^70, 1e3)', String(2n ** 70n)],
    ['mean(1, 2, 3, 4)', '2.5'],
    ['gcd(48, 36) + lcm(4, 6)', '24'],
    ['comb(52, 5)', '2598960'],
    ['perm(5, 2)', '20'],
    ['comb(1000, 998)', '499500'],
    ['perm(10^30, 2)', '999999999999999999999999999999000000000000000000000000000000'],
    ['(3^2000 + 1) / 3^1999', '3'],
    ['3^2000 / 10^1200', '1.7478712517226515e-246'],
    ['1 / 3^670', '2.132e-320'],
    ['(2^53 + 1) / 2^1075', '2.2250738585072014e-308'],
    ['3 / 2^1075', '1e-323'],
    ['(3 * 2^70 - 1) / 2^1145', '5e-324'],
    ['((2^53 + 1) * 2^100 + 1) / 2^100', '9007199254740994'],
    ['degrees(pi)', '180'],
    ['degrees(1.1)', '63.02535746439056'],
    ['8472.6 // 0.2', '42362'],
    ['atan2(-3.0 % 3, -1)', String(Math.PI)],
    ['atan2(3.0 % -3, -1)', String(-Math.PI)],
    ['round(0.127, 2)', '0.13'],
    ['1e15 // 0.1', '10000000000000000'],
    ['0 * -1', '0'],
    ['((((1))))', '1'],
  ])('%s is %s', (expression, value) => {
    expect(compute(expression)).toBe(value);
  });

  it.each([
    ['1 +', 'expected a number, a name or "(", got the end at character 4'],
    ['', 'expected a number, a name or "(", got the end at character 1'],
    ['1 2', 'expected an operator or the end, got "2" (write * to multiply) at character 3'],
    ['2(3)', 'expected an operator or the end, got "(" (write * to multiply) at character 2'],
    ['1,000', 'expected an operator or the end, got "," (write numbers without commas) at character 2'],
    ['(1', 'expected ")", got the end at character 3'],
    ['1 + €', 'expected a number, a name or an operator, got "€" at character 5'],
    ['process.exit()', 'expected a number, a name or an operator, got "." at character 8'],
    ['constructor(1)', 'expected a function or a constant, got "constructor" at character 1'],
    ['__proto__', 'expected a function or a constant, got "__proto__" at character 1'],
    ['toString()', 'expected a function or a constant, got "toString" at character 1'],
    ['1 / 0', 'division by zero at character 3'],
    ['1 % 0.0', 'division by zero at character 3'],
    ['0 ^ -1', 'division by zero: 0 to a negative power at character 3'],
    ['(-8)^(1/3)', 'expected a whole exponent of a negative number, got a fraction at character 5'],
    ['sqrt(-1)', 'expected a real number, got none at character 1'],
    ['ln(0)', 'expected the logarithm of a number above 0, got one of 0 or less at character 1'],
    ['9^9^9', 'expected a power of at most 4096 bits, got a larger one at character 2'],
    ['1e308 * 10', 'expected a result below 1.8e308, got a larger one at character 7'],
    ['501!', 'expected a factorial of 0 to 500, got one of 501 at character 4'],
    ['2.5!', 'expected a whole number, got 2.5 at character 4'],
    ['sin(1, 2)', 'sin takes 1 numbers, got 2 at character 1'],
    ['log(1, 2, 3)', 'log takes 1 to 2 numbers, got 3 at character 1'],
    ['comb(2000, 1000)', 'expected at most 500 to be chosen, got 1000 at character 1'],
    ['500! * 500!', 'expected a result of at most 4096 bits, got a larger one at character 6'],
    [`${'('.repeat(65)}1${')'.repeat(65)}`, 'expected an expression nested at most 64 deep, got a deeper one at character 66'],
    [`${'-'.repeat(65)}1`, 'expected an expression nested at most 64 deep, got a deeper one at character 66'],
    [`1${'+1'.repeat(500)}`, 'expected an expression of at most 1000 characters, got 1001 at character 1001'],
  ])('%s is refused with its place', (expression, message) => {
    expect(messageFrom(expression)).toBe(message);
  });

  it('is a tool that says what it refuses', async () => {
    expect(await runTool(calculator(), { expression: '6 * 7' })).toEqual({ text: '42' });
    await expect(runTool(calculator(), { expression: '6 *' })).rejects.toMatchObject({ code: 'tool_refused' });
    await expect(runTool(calculator(), { expr: '6' })).rejects.toThrow('calculator does not take this input: $.expr: unknown field');
    await expect(runTool(calculator(), { expression: '1'.repeat(1_001) })).rejects.toThrow('at most 1000 characters, got 1001');
  });
});

it.runIf(canCompare)("agrees with Python's parser and arithmetic, in each bit where a step is rounded once", () => {
  const { wrong, compared, equal, refused } = compareWithPython(11, 1_000);
  expect(wrong).toEqual([]);
  expect(compared).toBe(1_000);
  expect(equal).toBeGreaterThan(500);
  expect(refused).toBeGreaterThan(50);
});

it.runIf(canCompare)('has functions that are right to two units in the last place', () => {
  expect(functionErrors(11, 20).filter(({ ulps }) => ulps > 2)).toEqual([]);
});

it.each(Object.entries(hostileExpressions))('takes no time for %s', (_, expression) => {
  expect(quickest(expression)).toBeLessThan(20); // 1 ms where nothing else runs: npm run prove -- calculator
});
