// What JavaScript is linted by, here and in the rest of the tree (`make lint`).
'use strict';

const js = require('@eslint/js');

const readonly = names => Object.fromEntries(names.map(name => [name, 'readonly']));

const EVERYWHERE = ['AbortController', 'AbortSignal', 'EventTarget', 'Headers', 'ReadableStream', 'Response', 'TextDecoderStream', 'TextEncoder',
  'URL', 'URLSearchParams', 'clearTimeout', 'console', 'crypto', 'fetch', 'performance', 'setTimeout'];
const NODE = ['Buffer', '__dirname', 'globalThis', 'process', 'setImmediate'];
const BROWSER = ['Element', 'EventSource', 'HTMLFormElement', 'SubmitEvent', 'document', 'getComputedStyle', 'innerHeight',
  'innerWidth', 'location', 'window'];

module.exports = [
  { ignores: ['**/node_modules/', 'target/'] },
  js.configs.recommended,
  {
    languageOptions: { ecmaVersion: 2024, sourceType: 'commonjs', globals: readonly([...EVERYWHERE, ...NODE]) },
    rules: {
      eqeqeq: 'error',
      'no-var': 'error',
      'prefer-const': 'error',
      'no-unused-vars': ['error', { ignoreRestSiblings: true, argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'none' }],
      // A program's output says more than how it was started.
      'preserve-caught-error': 'off',
    },
  },
  { files: ['**/*.mjs', 'tests/**', 'examples/**'], languageOptions: { sourceType: 'module' } },
  // What tests have the browser do stands in their own files.
  { files: ['tests/browser/**', 'examples/*/page/**'], languageOptions: { globals: readonly(BROWSER) } },
];
