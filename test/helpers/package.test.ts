import { describe, expect, it } from 'vitest';
import { pointAtCompiled, publishedManifest } from './package.ts';

describe('the package', () => {
  it('points to compiled files with types', () => {
    const published = publishedManifest({
      name: 'x',
      bin: { x: './src/cli/x.cjs' },
      exports: { '.': './src/index.ts', './package.json': './package.json' },
      scripts: { test: 'x' },
      devDependencies: { y: '1' },
    });
    expect(published).toEqual({
      name: 'x',
      bin: { x: './dist/src/cli/x.cjs' },
      exports: { '.': { types: './dist/src/index.d.ts', default: './dist/src/index.js' }, './package.json': './package.json' },
    });
  });

  const codes = [
    ["new URL('./child.ts', import.meta.url)", "new URL('./child.js', import.meta.url)"],
    ['import("./main.ts")', 'import("./main.js")'],
    ["log('run ./a.ts now')", "log('run ./a.ts now')"],
    ["import('zod.ts')", "import('zod.ts')"],
  ];
  it.each(codes)('%s', (source, compiled) => {
    expect(pointAtCompiled(source)).toBe(compiled);
  });
});
