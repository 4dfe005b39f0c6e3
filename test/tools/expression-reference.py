"""Reads expressions, one a line; writes for each what Python's own parser and arithmetic make of it: a number, "error", or "skip" where the
last digit of a mathematical function would decide (it differs between libraries)."""
import ast, math, operator, sys

class Skip(Exception): pass

def ints(*xs): return all(isinstance(x, int) for x in xs)

def divide(a, b):
    return a // b if ints(a, b) and a % b == 0 else a / b

def power(a, b):
    if ints(a, b) and b >= 0:
        if abs(a) > 1 and a.bit_length() * b > 9000: raise OverflowError
        return a ** b
    r = a ** b
    if isinstance(r, complex): raise ValueError
    return r

binary = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: divide,
          ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.Pow: power}
same = {'sqrt': math.sqrt, 'ln': math.log, 'exp': math.exp, 'log10': math.log10, 'sin': math.sin, 'cos': math.cos, 'atan': math.atan,
        'degrees': math.degrees, 'hypot': math.hypot, 'atan2': math.atan2, 'abs': abs, 'floor': math.floor, 'ceil': math.ceil,
        'trunc': math.trunc, 'round': round, 'min': min, 'max': max, 'sum': lambda *x: sum(x), 'gcd': math.gcd, 'comb': math.comb,
        'perm': math.perm, 'pow': power}
jumps = {'floor', 'ceil', 'trunc', 'round', 'min', 'max'}
exact = jumps | {'abs', 'sum', 'gcd', 'comb', 'perm', 'sqrt'}
names = {'pi': math.pi, 'e': math.e, 'tau': math.tau}

def value(node):
    v, rough = at(node)
    if ints(v) and v.bit_length() > 4096: raise OverflowError
    if isinstance(v, float) and not math.isfinite(v): raise OverflowError
    return v, rough

def at(node):
    if isinstance(node, ast.Constant): return node.value, False
    if isinstance(node, ast.Name): return names[node.id], False
    if isinstance(node, ast.UnaryOp):
        v, rough = value(node.operand)
        return (-v if isinstance(node.op, ast.USub) else v), rough
    if isinstance(node, ast.BinOp):
        (a, ra), (b, rb) = value(node.left), value(node.right)
        rough = ra or rb
        kind = type(node.op)
        if rough and kind in (ast.FloorDiv, ast.Mod): raise Skip
        if rough and kind is ast.Pow and (abs(b) > 1000 or a == 0): raise Skip
        v = binary[kind](a, b)
        if rough and kind in (ast.Add, ast.Sub) and abs(v) < 1e-4 * max(abs(a), abs(b)): raise Skip
        if kind is ast.Pow and not ints(v): rough = True
        return v, rough
    if isinstance(node, ast.Call):
        given = [value(x) for x in node.args]
        name, xs, rough = node.func.id, [v for v, _ in given], any(r for _, r in given)
        if rough and (name in jumps or (name in ('sin', 'cos') and abs(xs[0]) > 1e4) or name == 'ln' or name == 'log10' or name == 'exp' or name == 'pow' or name == 'atan2' or name == 'sum'): raise Skip
        if name == 'sum' and sum(map(abs, xs)) and abs(sum(xs)) < 1e-4 * max(map(abs, xs)) and not ints(*xs): raise Skip
        if name in ('sin', 'cos', 'atan2') and any(abs(x) > 2 ** 53 for x in xs): raise Skip
        return same[name](*xs), rough or name not in exact
    raise SyntaxError

for line in sys.stdin:
    try:
        v, rough = value(ast.parse(line.strip().replace('^', '**'), mode='eval').body)
        print(v)
    except Skip: print('skip')
    except (ArithmeticError, ValueError, OverflowError): print('error')
