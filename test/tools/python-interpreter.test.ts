import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { probeSandbox } from '../../src/tools/internal/python/probe-sandbox.ts';
import { pythonInterpreter, pythonLimits } from '../../src/tools/python-interpreter.ts';
import { runTool } from '../../src/tools/tool.ts';

/** By the kernel alone, not by our own probe: where programs can be kept in, the tool must be on. */
const canSandbox = spawnSync('unshare', ['-Urpmnf', 'python3', '-c', 'pass']).status === 0;

describe.runIf(canSandbox)('pythonInterpreter', () => {
  const opened = pythonInterpreter();

  it('runs a program, and gives what it prints', async () => {
    expect(await runTool(await opened, { code: 'print(sum(range(10)), 2**70)' })).toEqual({
      text: '45 1180591620717411303424',
      isCut: false,
    });
    expect(await runTool(await opened, { code: 'x = 1' })).toMatchObject({ text: '[it printed nothing]' });
  });

  it('gives the traceback of one that fails, and begins each anew', async () => {
    const { text } = await runTool(await opened, { code: 'open("/scratch/a", "w").write("x")\n1/0' });
    expect(text).toContain('line 2, in <module>');
    expect(text).toContain('ZeroDivisionError');
    expect(text).toContain('[it ended with exit code 1]');
    expect(await runTool(await opened, { code: 'import os; print(os.listdir("/scratch"), dict(os.environ))' })).toMatchObject({
      text: expect.stringMatching(/^\[\] \{('LC_CTYPE': 'C.UTF-8')?\}$/) as string,
    });
  });

  it('ends a flood at its bound', async () => {
    const { text, isCut } = await runTool(await opened, { code: 'while True: print("x" * 1000)' }, { budget: { maxChars: 1_000_000 } });
    expect(isCut).toBe(true);
    expect(text.length).toBeLessThan(pythonLimits.outputBytes + 100);
    expect(text).toContain('[ended: more than 64 KiB of output]');
  });

  it('gives as much output as there may be whole, and says of more that it was cut, both outputs together', async () => {
    const write = async (out: number, err: number) => {
      const code = `import os; os.write(1, b'x' * ${String(out)}); os.write(2, b'y' * ${String(err)}); os._exit(0)`;
      return runTool(await opened, { code }, { budget: { maxChars: 1_000_000 } });
    };
    expect(await write(65_536, 0)).toEqual({ text: 'x'.repeat(65_536), isCut: false });
    // what is read before its end is known is chance: once in two it was all of it
    for (const { text, isCut } of await Promise.all([1, 2, 3].map(() => write(40_000, 40_000)))) {
      expect(isCut).toBe(true);
      expect(text).toBe(`${'x'.repeat(40_000)}\n${'y'.repeat(25_536)}\n[ended: more than 64 KiB of output]`);
    }
  });

  it('ends a program with the signal of its call', async () => {
    const stop = new AbortController();
    const running = runTool(await opened, { code: 'import time; time.sleep(100)' }, { signal: stop.signal });
    const failed = expect(running).rejects.toMatchObject({ name: 'AbortError' });
    setTimeout(() => stop.abort(), 50);
    await failed;
  });

  it('is off where a limit does not hold', async () => {
    const loose = { ...pythonLimits, scratchBytes: 2 ** 31 };
    await expect(probeSandbox(loose, { python: 'python3', clock: systemClock })).rejects.toMatchObject({
      code: 'missing_dependency',
      message: expect.stringContaining('a file of 1 GiB was made') as string,
    });
  });
});

it('is off without Python, and says what it takes', async () => {
  await expect(pythonInterpreter({ python: 'no-such-python' })).rejects.toMatchObject({
    code: 'missing_dependency',
    message: expect.stringMatching(/^python_interpreter is off: .*no-such-python.*It takes Linux 5\.14/) as string,
  });
});
