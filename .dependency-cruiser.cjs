/** Who may import whom. A rule's name is the sentence a developer reads when the check fails. */
const UNIT_TEST = '[.]test[.]tsx?$'; // tests beside their source may reach test/fixtures and node:
const only = (name, from, allowed) => ({
  name,
  severity: 'error',
  from: { path: from, pathNot: UNIT_TEST },
  to: { path: '^(shared|main|electron|renderer|test|build)/', pathNot: [from, ...allowed] },
});
const exclusive = (name, pkg, home) => ({
  name,
  severity: 'error',
  from: { pathNot: [...home, '^test/', '^build/', UNIT_TEST, '^[^/]+$', '^node_modules/'] },
  to: { path: `(^|node_modules/)(${pkg})(/|$)`, pathNot: '^(shared|main|electron|renderer|test|build)/' },
});
const pure = '^(shared|main/(domain|ports|engine|workflows|preflight|correlation|usecases))/';

module.exports = {
  forbidden: [
    only('shared-is-a-leaf', '^shared/', []),
    only('domain-knows-only-shared', '^main/domain/', ['^shared/']),
    only('ports-know-only-domain', '^main/ports/', ['^main/domain/', '^shared/']),
    only('engine-is-generic', '^main/engine/', ['^main/ports/', '^shared/']),
    only('workflows-do-no-io', '^main/workflows/', ['^main/(domain|engine|ports|correlation)/', '^shared/']),
    only('preflight-does-no-io', '^main/preflight/', ['^main/(domain|ports)/', '^shared/']),
    only('correlation-does-no-io', '^main/correlation/', ['^main/(domain|engine|ports)/', '^shared/']),
    only('usecases-do-no-io', '^main/usecases/', [
      '^main/(domain|engine|ports|workflows|preflight|correlation)/',
      '^shared/',
    ]),
    // The hasher's line protocol and its manifests are what both sides of that pipe must share.
    only('adapters-implement-ports', '^main/adapters/', [
      '^main/(domain|ports)/',
      '^main/hasher/(protocol|manifest)[.]ts$',
      '^shared/',
    ]),
    only('api-calls-usecases', '^main/api/', ['^main/(usecases|ports)/', '^shared/']),
    only('cli-goes-through-compose', '^main/cli/', ['^main/compose[.]ts$', '^main/lab/lab[.]ts$', '^shared/']),
    only('hasher-stands-alone', '^main/hasher/', ['^shared/']),
    only('lab-is-reached-only-from-outside', '^main/lab/', ['^shared/']),
    only('daemon-is-headless', '^main/', ['^shared/']),
    only('electron-enters-by-compose', '^electron/', ['^main/compose[.]ts$', '^main/ports/', '^shared/']),
    only('renderer-sees-only-the-contract', '^renderer/', ['^shared/']),
    {
      name: 'only-cli-and-compose-start-the-lab',
      severity: 'error',
      from: {
        path: '^(main|electron|shared|renderer)/',
        pathNot: ['^main/(cli|lab)/', '^main/compos(e[.]ts$|ition/)', UNIT_TEST],
      },
      to: { path: '^main/lab/' },
    },
    {
      name: 'adapters-are-strangers',
      severity: 'error',
      from: { path: '^main/adapters/([^/]+)/', pathNot: UNIT_TEST },
      to: { path: '^main/adapters/', pathNot: ['^main/adapters/$1/', '^main/adapters/processes/'] },
    },
    {
      name: 'features-are-strangers',
      severity: 'error',
      from: { path: '^renderer/features/([^/]+)/', pathNot: UNIT_TEST },
      to: { path: '^renderer/(features|app)/', pathNot: '^renderer/features/$1/' },
    },
    {
      name: 'product-code-never-imports-test',
      severity: 'error',
      from: { path: '^(shared|main|electron|renderer)/', pathNot: UNIT_TEST },
      to: { path: '^test/|[.]test[.]tsx?$' },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      // A type import vanishes when it is compiled; only what runs can be a cycle.
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'pure-core-knows-no-node',
      severity: 'error',
      from: { path: pure, pathNot: UNIT_TEST },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'no-unresolved-import',
      severity: 'error',
      from: { path: '^(shared|main|electron|renderer|test|build)/' },
      to: { couldNotResolve: true },
    },
    exclusive('electron-only-in-electron', 'electron', ['^electron/']),
    exclusive('sqlite-only-in-its-adapter', 'sqlite3', ['^main/adapters/sqlite/']),
    exclusive('fastify-only-in-api', 'fastify|@fastify/static', ['^main/api/']),
    exclusive('pino-only-in-the-system-adapter', 'pino', ['^main/adapters/system/']),
    exclusive('react-only-in-renderer', 'react|react-dom|zustand|@mantine/core|@mantine/hooks', ['^renderer/']),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    // Packages whose exports name only ESM conditions are found too.
    enhancedResolveOptions: {
      extensions: ['.ts', '.tsx', '.mjs', '.js', '.cjs'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      mainFields: ['module', 'main', 'types', 'typings'],
    },
  },
};
