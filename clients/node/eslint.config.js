// What is linted: the client, its tests, and the example that uses it.
'use strict';

const js = require('@eslint/js');

const globals = Object.fromEntries(
  ['__dirname', 'AbortController', 'AbortSignal', 'Buffer', 'Headers', 'ReadableStream', 'Response', 'TextDecoderStream',
    'TextEncoder', 'URL', 'URLSearchParams', 'clearTimeout', 'console', 'crypto', 'fetch', 'performance', 'process', 'setImmediate',
    'setTimeout'].map(name => [name, 'readonly']),
);

module.exports = [
  js.configs.recommended,
  {
    languageOptions: { ecmaVersion: 2023, sourceType: 'commonjs', globals: { ...globals, globalThis: 'readonly' } },
    rules: { eqeqeq: 'error', 'no-var': 'error', 'prefer-const': 'error', 'no-unused-vars': ['error', { ignoreRestSiblings: true }] },
  },
  { files: ['**/*.mjs', '**/*.test.js', 'test/**'], languageOptions: { sourceType: 'module' } },
];
