import reactHooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

const source = ['**/*.ts', '**/*.tsx'];
const tests = ['test/**', '**/*.test.ts', '**/*.test.tsx'];

/** Time, chance and the console come in as arguments; only the edges of the program touch the real ones. */
const edges = [
  'main/adapters/system/**',
  'main/compose.ts',
  'main/composition/**',
  'main/lab/**',
  'main/cli/**',
  'main/hasher/**',
  'electron/**',
  'renderer/**',
  'build/**',
  ...tests,
];

const passThem = 'Pass it in (ports/clock.ts, ports/log.ts): code that reaches for it cannot be tested or replayed.';

export default tseslint.config(
  { ignores: ['node_modules/**', 'dist/**', '.setup/**', 'test-output/**', '**/*.d.ts', '*.config.ts'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: source,
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/consistent-type-definitions': ['error', 'type'],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      // Numbers in messages are plain reading here; everything else still has to be made a text on purpose.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // Arrow functions that end in a call of type void are how event handlers read.
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidOperator: true },
      ],
      // Forbidden by noPropertyAccessFromIndexSignature to write otherwise.
      '@typescript-eslint/dot-notation': 'off',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      // There are no classes to lose a `this` of: every method is a closure.
      '@typescript-eslint/unbound-method': 'off',
      // A handler that only sometimes waits keeps one shape for its caller.
      '@typescript-eslint/require-await': 'off',
      'max-lines': ['error', { max: 400 }],
      'max-lines-per-function': ['error', { max: 80 }],
      'max-params': ['error', { max: 3 }],
      'no-empty': ['error', { allowEmptyCatch: false }],
      'no-restricted-exports': [
        'error',
        { restrictDefaultExports: { direct: true, named: true, defaultFrom: true, namedFrom: true } },
      ],
      'no-warning-comments': ['error', { terms: ['todo', 'fixme', 'xxx', 'hack'] }],
    },
  },
  {
    files: source,
    ignores: edges,
    rules: {
      'no-restricted-globals': [
        'error',
        ...['setTimeout', 'setInterval', 'setImmediate', 'console', 'fetch'].map((name) => ({
          name,
          message: passThem,
        })),
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: passThem },
        { object: 'Math', property: 'random', message: passThem },
        { object: 'performance', property: 'now', message: passThem },
        { object: 'globalThis', property: 'setTimeout', message: passThem },
      ],
      'no-restricted-syntax': ['error', { selector: "NewExpression[callee.name='Date']", message: passThem }],
      'no-restricted-imports': [
        'error',
        {
          paths: ['timers', 'node:timers', 'node:timers/promises', 'timers/promises'].map((name) => ({
            name,
            message: passThem,
          })),
        },
      ],
    },
  },
  {
    files: ['shared/**/*.ts', 'main/**/*.ts', 'electron/**/*.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          paths: [
            {
              name: 'node:child_process',
              importNames: ['exec', 'execSync'],
              message: 'Programs are started with an argument list, never through a shell.',
            },
            { name: 'child_process', message: 'Write node:child_process.' },
          ],
        },
      ],
    },
  },
  { files: ['renderer/**/*.tsx', 'renderer/**/*.ts'], ...reactHooks.configs.flat['recommended-latest'] },
  {
    files: ['renderer/**'],
    rules: { 'max-lines-per-function': ['error', { max: 80, skipBlankLines: true }] },
  },
  {
    // A suite is one function by construction; its cases are what has to stay small.
    files: tests,
    rules: { 'max-lines-per-function': 'off', '@typescript-eslint/no-non-null-assertion': 'off' },
  },
  // Loaded only where it is needed: on a newer Node it would replace what the runtime has itself.
  { files: ['build/old-node-shim.ts'], rules: { '@typescript-eslint/no-require-imports': 'off' } },
  // AppError(code, reason, details, options): every throw of the product is that one line.
  { files: ['shared/errors.ts'], rules: { 'max-params': ['error', { max: 4 }] } },
);
