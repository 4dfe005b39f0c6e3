// Who may import whom. Every rule has a case in test/architecture that must be caught.
const forbid = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });

const vocabulary = '^src/(record/|(errors|classify|clock|virtual-clock|resource|fifo|without-secrets)\\.ts$)';
/** One folder an adapter; what the adapters of a port share lies in its internal/. */
const adapters = '^src/(transport|inference|codec)/(?!internal/)[^/]+/';
const plumbing = '^src/(flow|policies|runtime|serve|service|cli)/';

/** A vendor's package is wrapped once; tests may hold ours against the bare one. */
const vendor = (name, home) =>
  forbid(
    `${name}-has-one-home`,
    `wrap ${name} once`,
    { path: '^(src|operators|pipelines)/', pathNot: home },
    { path: `(^|node_modules/)${name}(/|$)` },
  );

module.exports = {
  forbidden: [
    forbid('no-cycles', 'two files that need each other are one, or need a third', {}, { circular: true }),
    forbid('everything-resolves', 'an import that only works on one machine', {}, { couldNotResolve: true }),
    forbid('vocabulary-imports-nothing', 'everything stands on it', { path: vocabulary }, { pathNot: vocabulary }),
    forbid(
      'calls-know-vocabulary',
      'operators, policies and models share it',
      { path: '^src/call\\.ts$' },
      { pathNot: `${vocabulary}|^async_hooks$|node_modules/rxjs/` },
    ),
    forbid(
      'state-machines-are-pure',
      'no rxjs, no timers, no I/O: time comes in as nowMs',
      { path: '\\.state\\.ts$' },
      { pathNot: '^src/(record/|(errors|fifo)\\.ts$)|\\.state\\.ts$' },
    ),
    forbid(
      'ports-know-no-adapter',
      'a port is what its adapters have in common',
      { path: '^src/(transport/transport|inference/model|codec/codec)\\.ts$' },
      { path: '^src/[^/]+/[^/]+/' },
    ),
    forbid(
      'adapters-are-islands',
      'one can be deleted without the others',
      { path: '^src/(transport|inference|codec)/([^/]+)/' },
      { path: adapters, pathNot: '^src/$1/$2/' },
    ),
    forbid(
      'adapters-know-no-plumbing',
      'an adapter implements a port',
      { path: '^src/(transport|inference|codec)/', pathNot: '^src/inference/route/' },
      { path: plumbing },
    ),
    forbid(
      'a-pool-of-models-knows-policies-alone',
      'it decides which model is called, by the policies that decide when',
      { path: '^src/inference/route/' },
      { path: plumbing, pathNot: '^src/policies/' },
    ),
    vendor('kafkajs', '^src/transport/kafka/'),
    vendor('node-llama-cpp', '^src/inference/llama/'),
    vendor('openai', '^src/inference/openai/'),
    vendor('avsc', '^src/codec/avro/'),
    vendor('ajv', '^src/codec/json-schema/'),
    vendor('ajv-formats', '^src/codec/json-schema/'),
    ...['chardet', 'htmlparser2', 'hyparquet', 'hyparquet-compressors', 'unpdf'].map((name) => vendor(name, '^src/text/internal/')),
    vendor('minisearch', '^src/tools/internal/corpus/'),
    vendor('robots-parser', '^src/tools/internal/web/'),
    vendor('@modelcontextprotocol/sdk', '^src/tools/(internal/mcp/|mcp-tools\\.ts$)'),
    vendor('prom-client', '^src/serve/'),
    vendor('fastify', '^src/service/'),
    vendor('yaml', '^src/load/load-file\\.ts$'),
    vendor('pino', '^src/runtime/logging\\.ts$'),
    vendor('commander', '^src/cli/'),
    vendor('ora', '^src/cli/'),
    forbid(
      'runtime-is-given-its-adapters',
      'adapters come as arguments',
      { path: '^src/(runtime|flow|policies|serve|service)/' },
      { path: '^src/(transport|inference)/[^/]+/' },
    ),
    forbid(
      'what-ships-knows-no-kit',
      'the simulation kit runs the framework, not the other way round',
      { path: '^(src|operators|pipelines)/', pathNot: '^src/(simulation/|testing\\.ts$)' },
      { path: '^src/(simulation/|testing\\.ts$)' },
    ),
    forbid(
      'the-kit-runs-without-vendors',
      'it is for tests of any pipeline, in any test runner',
      { path: '^src/(simulation/|testing\\.ts$)' },
      { path: '^src/(transport/kafka|inference/(llama|openai))/|node_modules/vitest/' },
    ),
    forbid('src-never-looks-up', 'users of src, not parts of it', { path: '^src/(?!cli/)' }, { path: '^(operators|pipelines)/' }),
    forbid('only-the-cli-composes', 'the command line is the outermost layer', { path: '^src/(?!cli/)' }, { path: '^src/cli/' }),
    forbid(
      'the-cli-knows-pipelines-by-their-command',
      'what a pipeline offers on the command line is its own business',
      { path: '^src/cli/' },
      { path: '^pipelines/', pathNot: '^pipelines/[^/]+/command\\.ts$' },
    ),
    forbid(
      'operators-know-values-not-plumbing',
      'an operator works without Kafka and without the runtime',
      { path: '^operators/' },
      { path: '^src/(flow|runtime|serve|service|cli|transport)/|^src/(inference|codec)/[^/]+/' },
    ),
    forbid(
      'pipelines-use-the-public-face',
      'a pipeline of ours is an example to its readers',
      { path: '^pipelines/([^/]+)/' },
      { path: '^src/(?!(index|tools)\\.ts$)|^operators/(?!index\\.ts$)|^pipelines/', pathNot: '^pipelines/$1/' },
    ),
    forbid('code-never-imports-tests', 'tests are not shipped', { pathNot: '^test/' }, { path: '^test/' }),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true, // a type import is an import
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'node', 'default'] },
  },
};
