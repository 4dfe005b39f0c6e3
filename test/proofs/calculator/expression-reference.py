"""Reads expressions, one a line, and writes for each a line of what Python's own parser and arithmetic make of it:

    VALUE ERROR   the number, and how far ours may be from it: 0 where each step is rounded once, and alike everywhere
    error         there must be no value
    skip          a function's last digit decides: two libraries may say otherwise, and neither is wrong

The error is carried from step to step: a function of a library may be LIBRARY units in the last place from the true value on each side, what is
made of it has what that makes of it.
"""
import ast, math, operator, re, sys

LIBRARY = 3
MOST_BITS, MOST_FACTORIAL, MOST_DIVISOR_BITS, MOST_DIGITS, MOST_GIVEN = 4096, 500, 128, 15, 200


class Skip(Exception):
    pass


def is_int(*values):
    return all(isinstance(value, int) for value in values)


def ulp(value):
    return math.ulp(float(value))


def whole(value):
    if is_int(value): return value
    if value.is_integer(): return int(value)
    raise ValueError


def known(error):
    if error: raise Skip


def add(a, b, ea, eb):
    value = a + b
    return value, ea + eb + (ulp(value) if ea + eb else 0)


def subtract(a, b, ea, eb):
    value = a - b
    return value, ea + eb + (ulp(value) if ea + eb else 0)


def multiply(a, b, ea, eb):
    value = a * b
    return value, abs(a) * eb + abs(b) * ea + ea * eb + ulp(value) if ea + eb else 0


def divide(a, b, ea, eb):
    if b == 0: raise ZeroDivisionError
    if is_int(a, b) and a % b == 0: return a // b, 0
    value = a / b
    if not ea + eb: return value, 0
    if eb * 2 > abs(b): raise Skip
    return value, 2 * (ea + abs(value) * eb) / abs(b) + ulp(value)


def floor_divide(a, b, ea, eb):
    if b == 0: raise ZeroDivisionError
    known(ea + eb)
    return a // b, 0


def modulo(a, b, ea, eb):
    if b == 0: raise ZeroDivisionError
    known(ea + eb)
    return a % b, 0


def power(a, b, ea, eb):
    if is_int(a, b) and b >= 0:
        if abs(a) > 1 and (abs(a).bit_length() - 1) * b > MOST_BITS: raise OverflowError
        return a ** b, 0
    a, b = float(a), float(b)
    if ea and a - ea <= 0 or eb and a <= 0: raise Skip
    value = a ** b
    if isinstance(value, complex): raise ValueError
    relative = (abs(b) * ea / (abs(a) - ea) if ea else 0) + (abs(math.log(abs(a))) * eb if eb and a else 0)
    if relative > 1e-3: raise Skip
    return value, 2 * relative * abs(value) + LIBRARY * ulp(value)


BINARY = {ast.Add: add, ast.Sub: subtract, ast.Mult: multiply, ast.Div: divide, ast.FloorDiv: floor_divide, ast.Mod: modulo, ast.Pow: power}


def smooth(function, slope):
    """A function of one number whose slope bounds what an error becomes."""
    def apply(given):
        (x, e), = given
        value = function(x)
        more = slope(x, value) * e if e else 0
        if e > 1e-3 or more > 1e-3 * (1 + abs(value)): raise Skip  # the slope at one place says nothing of another
        return value, 2 * more + LIBRARY * ulp(value)
    return apply


def inside(function, slope):
    """The same, where the slope is known inside of -1 to 1 only."""
    def apply(given):
        (x, e), = given
        if e and abs(x) + 4 * e >= 1: raise Skip
        return smooth(function, slope)(given)
    return apply


def above_zero(function, slope):
    def apply(given):
        (x, e), = given
        if e and x - 4 * e <= 0: raise Skip
        return smooth(function, slope)(given)
    return apply


def square_root(given):
    (x, e), = given
    if e and x - 4 * e <= 0: raise Skip
    value = math.sqrt(x)
    return value, e / value + ulp(value) if e else 0


def scaled(factor):
    def apply(given):
        (x, e), = given
        value = float(x) * factor
        return value, 2 * e * factor + ulp(value) if e else 0
    return apply


def step(function):
    """Jumps: the value is certain where it is the same at both ends of the error."""
    def apply(given):
        x, e = given[0]
        digits = given[1:]
        if digits: known(digits[0][1])
        if e and (function(x - e, *(d for d, _ in digits)) != function(x + e, *(d for d, _ in digits)) or abs(x) < 2 * e): raise Skip
        return function(x, *(d for d, _ in digits)), 0
    return apply


def rounded(x, digits=None):
    if digits is None: return round(x)
    digits = whole(digits)
    if not 0 <= digits <= MOST_DIGITS: raise ValueError
    return round(x, digits)


def nearest(better):
    def apply(given):
        if any(e for _, e in given) and any(abs(x) >= 2 ** 1023 for x, _ in given): raise Skip
        best = given[0]
        for one in given[1:]:
            if (one[1] or best[1]) and abs(float(one[0]) - float(best[0])) <= one[1] + best[1]: raise Skip
            if better(one[0], best[0]): best = one
        return best
    return apply


def folded(function):
    def apply(given):
        value, e = given[0]
        for other, other_e in given[1:]:
            value, e = bounded(*function(value, other, e, other_e))
        return value, e
    return apply


def integers(function):
    def apply(given):
        for _, e in given: known(e)
        return function(*(whole(x) for x, _ in given)), 0
    return apply


def divisors(function):
    def apply(given):
        result = None
        for x, e in given:
            known(e)
            x = abs(whole(x))
            if x.bit_length() > MOST_DIVISOR_BITS: raise OverflowError
            result = x if result is None else bounded(function(result, x), 0)[0]
        return result, 0
    return apply


def factorial(n):
    if not 0 <= n <= MOST_FACTORIAL: raise ValueError
    return math.factorial(n)


def chosen(n, k):
    return min(k, n - k) if k <= n else 0


def combinations(n, k):
    if n < 0 or k < 0 or chosen(n, k) > MOST_FACTORIAL: raise ValueError
    return math.comb(n, k)


def permutations(n, k):
    if n < 0 or k < 0 or k <= n and k > MOST_FACTORIAL: raise ValueError
    return math.perm(n, k)


def logarithm(given):
    if len(given) == 1: return natural(given)
    (a, ea), (b, eb) = (binary_logarithm([one]) for one in given)
    if is_int(given[1][0]) and given[1][0] == 1: raise ZeroDivisionError
    return bounded(*divide(a, b, ea if a else 0, eb if b else 0))


def angle(given):
    (y, ey), (x, ex) = given
    value = math.atan2(y, x)
    if ey + ex and (abs(y) <= 4 * ey or math.hypot(x, y) <= 8 * (ex + ey)): raise Skip
    spread = (ey + ex) / math.hypot(x, y) if ex + ey else 0
    return value, 4 * spread + LIBRARY * ulp(value)


def distance(given):
    value = math.hypot(*(x for x, _ in given))
    return value, 2 * sum(e for _, e in given) + (LIBRARY + len(given)) * ulp(value)


def mean(given):
    total, e = folded(add)(given)
    return divide(total, len(given), e, 0)


natural = above_zero(math.log, lambda x, v: 1 / x)
binary_logarithm = above_zero(math.log2, lambda x, v: 1.5 / x)
FUNCTIONS = {
    'abs': (1, 1, lambda given: (abs(given[0][0]), given[0][1])), 'sign': (1, 1, step(lambda x: (x > 0) - (x < 0))),
    'sqrt': (1, 1, square_root), 'cbrt': (1, 1, smooth(math.cbrt, lambda x, v: 1 / max(v * v, 1e-300))),
    'exp': (1, 1, smooth(math.exp, lambda x, v: v)), 'ln': (1, 1, natural), 'log': (1, 2, logarithm),
    'log10': (1, 1, above_zero(math.log10, lambda x, v: 1 / x)), 'log2': (1, 1, binary_logarithm),
    'sin': (1, 1, smooth(math.sin, lambda x, v: 1)), 'cos': (1, 1, smooth(math.cos, lambda x, v: 1)), 'tan': (1, 1, smooth(math.tan, lambda x, v: 1 + v * v)),
    'asin': (1, 1, inside(math.asin, lambda x, v: 2 / math.sqrt(1 - x * x))), 'acos': (1, 1, inside(math.acos, lambda x, v: 2 / math.sqrt(1 - x * x))),
    'atan': (1, 1, smooth(math.atan, lambda x, v: 1)), 'atan2': (2, 2, angle), 'sinh': (1, 1, smooth(math.sinh, lambda x, v: math.cosh(x))),
    'cosh': (1, 1, smooth(math.cosh, lambda x, v: v)), 'tanh': (1, 1, smooth(math.tanh, lambda x, v: 1)),
    'degrees': (1, 1, scaled(180 / math.pi)), 'radians': (1, 1, scaled(math.pi / 180)),
    'floor': (1, 1, step(math.floor)), 'ceil': (1, 1, step(math.ceil)), 'trunc': (1, 1, step(math.trunc)), 'round': (1, 2, step(rounded)),
    'min': (1, MOST_GIVEN, nearest(operator.lt)), 'max': (1, MOST_GIVEN, nearest(operator.gt)), 'sum': (1, MOST_GIVEN, folded(add)),
    'mean': (1, MOST_GIVEN, mean), 'product': (1, MOST_GIVEN, folded(multiply)), 'gcd': (1, MOST_GIVEN, divisors(math.gcd)), 'lcm': (1, MOST_GIVEN, divisors(math.lcm)),
    'factorial': (1, 1, integers(factorial)), 'comb': (2, 2, integers(combinations)), 'perm': (2, 2, integers(permutations)),
    'hypot': (1, MOST_GIVEN, distance), 'mod': (2, 2, lambda given: BINARY[ast.Mod](*(x for x, _ in given), *(e for _, e in given))),
    'pow': (2, 2, lambda given: power(*(x for x, _ in given), *(e for _, e in given))),
}
CONSTANTS = {'pi': math.pi, 'e': math.e, 'tau': math.tau}


def bounded(value, e):
    if is_int(value) and value.bit_length() > MOST_BITS: raise OverflowError
    if isinstance(value, float) and not math.isfinite(value): raise OverflowError
    if e and not (math.isfinite(e) and e < 1e300): raise Skip
    return value, e


def value_of(node):
    return bounded(*at(node))


def at(node):
    if isinstance(node, ast.Constant) and type(node.value) in (int, float): return node.value, 0
    if isinstance(node, ast.Name): return CONSTANTS[node.id.lower()], 0
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.UAdd, ast.USub)):
        value, e = value_of(node.operand)
        return -value if isinstance(node.op, ast.USub) else value, e
    if isinstance(node, ast.BinOp):
        (a, ea), (b, eb) = value_of(node.left), value_of(node.right)
        return BINARY[type(node.op)](a, b, ea, eb)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        given = [value_of(one) for one in node.args]
        least, most, apply = FUNCTIONS[node.func.id.lower()]
        if not least <= len(given) <= most: raise TypeError
        return apply(given)
    raise SyntaxError


FOREIGN = re.compile(r'_|,\s*\)|\d[xobjXOBJ]|[^\x00-\x7f]')  # what Python reads, and is no expression here


def line_of(text):
    try:
        if FOREIGN.search(text): raise SyntaxError
        value, e = value_of(ast.parse(text.strip(), mode='eval').body)
        return '%s %r' % (value if is_int(value) else repr(value), float(e))
    except Skip:
        return 'skip'
    except (ArithmeticError, ValueError, TypeError, KeyError, SyntaxError, AttributeError, MemoryError, RecursionError):
        return 'error'


for line in sys.stdin:
    print(line_of(line.rstrip('\n')))
