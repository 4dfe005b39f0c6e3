"""Reads lines NAME X [Y] GOT; writes for each NAME by how many units in the last place GOT was farthest from the true value, and at what. The true
value is computed here with 100 digits: exponentials, logarithms and powers by decimal, all others by their series."""
import decimal, math, sys
from decimal import Decimal as D

decimal.getcontext().prec = 100
TINY = D(10) ** -90


def series(first, factor):
    """first (1 + factor(1) (1 + factor(2) (1 + ...)))"""
    total, term, n = first, first, 1
    while term and abs(term) > TINY * abs(total):
        term *= factor(n)
        total += term
        n += 1
    return total


def small_arctan(x):
    power, total, n = x, D(0), 0
    while power and abs(power) > TINY * abs(x):
        total += power / (2 * n + 1)
        power *= -x * x
        n += 1
    return total


HALF_PI = 2 * (4 * small_arctan(D(1) / 5) - small_arctan(D(1) / 239))


def arctan(x):
    if abs(x) > 1: return (HALF_PI if x > 0 else -HALF_PI) - arctan(1 / x)
    for _ in range(3): x = x / (1 + (1 + x * x).sqrt())
    return 8 * small_arctan(x)


def sine(x):
    turns = (x / (2 * HALF_PI)).to_integral_value()
    x -= turns * 2 * HALF_PI
    value = series(x, lambda n: -x * x / (2 * n * (2 * n + 1)))
    return -value if turns % 2 else value


def hyperbolic_sine(x):
    return series(x, lambda n: x * x / (2 * n * (2 * n + 1))) if abs(x) < 1 else (x.exp() - (-x).exp()) / 2


def hyperbolic_cosine(x):
    return (x.exp() + (-x).exp()) / 2


def arcsine(x):
    return (HALF_PI if x > 0 else -HALF_PI) if abs(x) == 1 else arctan(x / ((1 - x) * (1 + x)).sqrt())


def angle(y, x):
    return arctan(y / x) if x > 0 else arctan(y / x) + (2 * HALF_PI if y >= 0 else -2 * HALF_PI)


TRUE = {
    'sqrt': D.sqrt, 'cbrt': lambda x: (abs(x).ln() / 3).exp().copy_sign(x), 'exp': D.exp, 'ln': D.ln, 'log10': D.log10, 'log2': lambda x: x.ln() / D(2).ln(),
    'sin': sine, 'cos': lambda x: sine(HALF_PI - x), 'tan': lambda x: sine(x) / sine(HALF_PI - x), 'asin': arcsine, 'acos': lambda x: HALF_PI - arcsine(x),
    'atan': arctan, 'atan2': angle, 'sinh': hyperbolic_sine, 'cosh': hyperbolic_cosine, 'tanh': lambda x: hyperbolic_sine(x) / hyperbolic_cosine(x),
    'hypot': lambda x, y: (x * x + y * y).sqrt(), 'pow': lambda x, y: (y * x.ln()).exp(), 'log': lambda x, y: x.ln() / y.ln(),
    'degrees': lambda x: x * 90 / HALF_PI, 'radians': lambda x: x * HALF_PI / 90,
}
worst = {}
for line in sys.stdin:
    name, *numbers = line.split()
    *given, got = map(float, numbers)
    true = TRUE[name](*map(D, given))
    error = float(abs(D(got) - true) / D(math.ulp(float(true))))
    if error >= worst.get(name, (-1,))[0]: worst[name] = (error, given)
for name, (error, given) in worst.items():
    print(name, '%.3f' % error, *map(repr, given))
