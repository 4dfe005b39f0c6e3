import rxjsX from 'eslint-plugin-rxjs-x';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

const viaClock = 'take a Clock (src/clock.ts): time that is an argument can be virtual';
const timerGlobals = ['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate', 'performance'];

const syntax = [
  { selector: 'TSEnumDeclaration', message: 'use a union of string literals: Node strips types, it does not compile enums' },
  { selector: 'ExportDefaultDeclaration', message: 'export by name: one name everywhere, and a rename is seen by the compiler' },
  { selector: "ExportSpecifier[exported.name='default']", message: 'export by name' },
];
const syntaxOfTime = [
  { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: viaClock },
  { selector: "CallExpression[callee.name='Date']", message: viaClock },
];

// what RxJS schedules by itself runs on the machine's timers, where a virtual clock does not reach
const rxjsTimers = [
  'timer',
  'interval',
  'asyncScheduler',
  'asapScheduler',
  'animationFrameScheduler',
  'auditTime',
  'bufferTime',
  'debounceTime',
  'delay',
  'sampleTime',
  'throttleTime',
  'timeInterval',
  'timeout',
  'timestamp',
  'windowTime',
];
const timeImports = [
  { name: 'rxjs', importNames: rxjsTimers, message: viaClock },
  { name: 'rxjs/operators', message: "import from 'rxjs'" },
  ...['node:timers', 'timers', 'node:timers/promises', 'timers/promises', 'node:perf_hooks', 'perf_hooks'].map((name) => ({
    name,
    message: viaClock,
  })),
];

export default defineConfig(
  { ignores: ['dist/', 'coverage/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error', reportUnusedInlineConfigs: 'error' } },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, rxjsX.configs.strict],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      'max-lines': ['error', { max: 300 }],
      'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
      'no-restricted-syntax': ['error', ...syntax],
      eqeqeq: 'error',
      // `() => f()` is the plainest way to write a callback that returns nothing
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    },
  },
  {
    // time is an argument: bare timers and clocks have one home
    files: ['{src,operators,pipelines}/**/*.ts'],
    ignores: ['src/clock.ts'],
    rules: {
      'no-restricted-globals': ['error', ...timerGlobals.map((name) => ({ name, message: viaClock }))],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: viaClock },
        { object: 'AbortSignal', property: 'timeout', message: viaClock },
        { object: 'process', property: 'hrtime', message: viaClock },
        { object: 'process', property: 'uptime', message: viaClock },
        ...timerGlobals.map((property) => ({ object: 'globalThis', property, message: viaClock })),
      ],
      'no-restricted-syntax': ['error', ...syntax, ...syntaxOfTime],
      '@typescript-eslint/no-restricted-imports': ['error', { paths: timeImports }],
    },
  },
  {
    // logs go through the logger; only the command line writes for people
    files: ['{src,operators}/**/*.ts'],
    ignores: ['src/cli/**'],
    rules: { 'no-console': 'error' },
  },
  {
    files: ['pipelines/**/*.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          paths: [...timeImports, { name: 'millrace/testing', message: 'a pipeline is no test' }],
          patterns: [
            {
              regex: '^(\\.\\./)+(src|operators|test|pipelines)/',
              message: "a pipeline uses 'millrace' and 'millrace/operators', as its users do",
            },
          ],
        },
      ],
    },
  },
  {
    // `millrace run FILE` loads a pipeline by its default export
    files: ['pipelines/**/pipeline.ts'],
    rules: { 'no-restricted-syntax': ['error', ...syntax.filter(({ selector }) => selector === 'TSEnumDeclaration'), ...syntaxOfTime] },
  },
  {
    // these tools load their configuration by its default export
    files: ['*.config.ts'],
    rules: { 'no-restricted-syntax': ['error', ...syntax.filter(({ selector }) => selector === 'TSEnumDeclaration')] },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // a describe() with its table is one function, however many rows it has
      'max-lines-per-function': 'off',
      // RxJS declares its marble helpers as methods, and every marble test takes them apart
      '@typescript-eslint/unbound-method': 'off',
      // a stream that ends without a value is a failure here, and firstValueFrom says so
      'rxjs-x/no-ignored-default-value': 'off',
    },
  },
);
