import tseslint from 'typescript-eslint';

/**
 * Import directions: main → everything in src; http and events → core and workflow's contracts; workflow → core;
 * adapters → core; core → nothing but zod and an IP library. Nothing in src imports dev or test.
 */
const forbid = (...patterns) => ['error', { patterns }];

const notShipped = {
  regex: '(^|/)(dev|test|scripts)/',
  message: 'src is what ships: it may not import dev, test or scripts.',
};
const durable = {
  regex: '^durable-functions',
  message: 'durable-functions is imported in src/workflow only.',
};
const azure = { regex: '^(@azure/|jose$)', message: 'Only adapters talk to outside systems.' };

/** What would make a replayed orchestrator decide differently from its first run. */
const replaySafety = [
  {
    selector: "NewExpression[callee.name='Date'][arguments.length=0]",
    message: 'Not replay-safe: use context.df.currentUtcDateTime.',
  },
  {
    selector: 'CallExpression[callee.property.name=/^(now|random|randomUUID)$/]',
    message: 'Not replay-safe: time and identifiers come from the history.',
  },
  { selector: 'AwaitExpression', message: 'Not replay-safe: an orchestrator yields durable tasks only.' },
  {
    selector: 'CallExpression[callee.name=/^(fetch|setTimeout|setInterval|setImmediate)$/]',
    message: 'Not replay-safe: I/O and waiting belong in an activity or a durable timer.',
  },
  { selector: "Identifier[name='process']", message: 'Not replay-safe: the environment may change.' },
  {
    selector: 'ThrowStatement > :matches(Literal, TemplateLiteral)',
    message: 'A thrown non-Error hangs the real engine: throw an Error.',
  },
];

export default tseslint.config(
  { ignores: ['dist', 'out', 'node_modules', 'coverage', '.sallyport'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      eqeqeq: 'error',
      'no-console': 'error',
    },
  },
  { files: ['dev/**', 'scripts/**', 'test/**'], rules: { 'no-console': 'off' } },
  {
    files: ['src/**/*.ts'],
    rules: { '@typescript-eslint/no-restricted-imports': forbid(notShipped, durable) },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/config.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        {
          object: 'process',
          property: 'env',
          message: 'src/config.ts is the only reader of the environment.',
        },
      ],
    },
  },
  {
    files: ['src/core/**/*.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': forbid({
        regex: '^(?!zod$|ipaddr\\.js$|tinyduration$|re2js$|node:crypto$|\\./)',
        message:
          'core is pure: only zod, the IP, duration and expression libraries, a hash, and core itself.',
      }),
      'no-restricted-syntax': [
        'error',
        {
          selector: "NewExpression[callee.name='Date'][arguments.length=0]",
          message: 'core takes the time as an argument.',
        },
        {
          selector: "CallExpression[callee.object.name='Date'][callee.property.name='now']",
          message: 'core takes the time as an argument.',
        },
        {
          selector: 'CallExpression[callee.name=/^(fetch|setTimeout|setInterval)$/]',
          message: 'core does no I/O.',
        },
        {
          selector:
            'CallExpression:matches([callee.property.name=/^random(UUID|Bytes|Int)?$/], [callee.name=/^random(UUID|Bytes|Int)$/])',
          message: 'core takes identifiers as arguments.',
        },
      ],
      'no-restricted-globals': ['error', 'process', 'fetch'],
    },
  },
  {
    files: ['src/adapters/**/*.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': forbid(
        notShipped,
        durable,
        { regex: '/(http|events|workflow|portal)/', message: 'adapters import core only.' },
        { regex: '/config\\.ts$', message: 'adapters get their settings as arguments.' },
      ),
    },
  },
  {
    files: ['src/workflow/**/*.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': forbid(notShipped, azureButFunctions(), {
        regex: '/(http|events|adapters|portal)/|/config\\.ts$',
        message: 'workflow imports core only.',
      }),
    },
  },
  {
    files: ['src/http/**/*.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': forbid(notShipped, durable, azureButFunctions(), {
        regex: '/(adapters|events|portal)/|/config\\.ts$',
        message: "http imports core and workflow's contracts.",
      }),
    },
  },
  {
    files: ['src/events/**/*.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': forbid(notShipped, durable, azureButFunctions(), {
        regex: '/(adapters|http|portal)/|/workflow/(?!contracts\\.ts$)|/config\\.ts$',
        message: "events imports core and workflow's contracts.",
      }),
    },
  },
  {
    files: ['src/workflow/**/*Orchestrator.ts'],
    rules: { 'no-restricted-syntax': ['error', ...replaySafety] },
  },
);

function azureButFunctions() {
  return { ...azure, regex: '^(@azure/(?!functions$)|jose$)' };
}
