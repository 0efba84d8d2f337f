// Writes what follows from the API's document: which methods there are, and their types.
//
//     customers openapi | node generate.js            # writes the files below lib/
//
// A test (`test/package.test.mjs`) fails when they do not follow from the document any more.
'use strict';

const { readFileSync, writeFileSync } = require('node:fs');
const path = require('node:path');

const NOTE = '// Written by generate.js from the API\'s document: change that, and run it.\n';

/** What does not depend on the operation: a reader learns of it once. */
const COMMON_STATUSES = /^(?:2..|400|401|403|408|413|415|431|5..)$/;
const COMMON_CODES = ['rate_limited', 'idempotency_in_progress', 'idempotency_key_reused', 'invalid_parameters'];

const camelCase = name => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
const pascalCase = name => camelCase(`_${name}`);
const errorName = code => `${pascalCase(code)}Error`;

/** The files, by their paths below `lib`. */
function generate(document) {
  const resources = resourcesOf(document);
  const codes = codesOf(document);
  return {
    'api.js': operationsFile(resources, codes),
    'types/api.d.ts': typesFile(document, resources, codes),
    'index.d.ts': commonJsTypes(document, resources, codes),
    'index.d.mts': moduleTypes(document, resources, codes),
    'index.mjs': moduleFile(codes),
  };
}

/** The operations by resource and method: the first of those that are called in one way. */
function resourcesOf(document) {
  const resources = {};
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, described] of Object.entries(methods)) {
      const [resource, name] = described['x-client-call'].split('.');
      resources[resource] ??= {};
      resources[resource][name] ??= operationOf(document, method.toUpperCase(), path, described);
    }
  }
  return resources;
}

function operationOf(document, method, path, described) {
  const parameters = described.parameters ?? [];
  const where = place => parameters.filter(parameter => parameter.in === place);
  const query = where('query');
  const body = described.requestBody?.content['application/json'].schema;
  const [status] = Object.keys(described.responses).filter(status => status.startsWith('2'));
  const { content = {} } = described.responses[status];
  const schema = content['application/json']?.schema;
  const kind = () => {
    if (content['text/event-stream']) return 'stream';
    if (method === 'HEAD') return 'exists';
    return schema?.type === 'array' ? 'list' : 'object';
  };
  const sends = body ? 'body' : query.length > 0 ? 'query' : undefined;
  return { method, path, described, ids: where('path'), query, body, headers: where('header'), schema, answer: kind(), sends };
}

/** The headers that are options of a call, and the type that says so. */
const HEADER_OPTIONS = [
  { header: 'Idempotency-Key', option: 'idempotencyKey', type: 'Repeatable' },
  { header: 'If-Match', option: 'ifMatch', type: 'Conditional' },
];
const optionsOf = headers => HEADER_OPTIONS.filter(({ header }) => headers.some(({ name }) => name === header));

/** Every code with its title. */
function codesOf({ components }) {
  const responses = Object.values(components.responses);
  const examples = responses.flatMap(response =>
    Object.values(response.content['application/problem+json'].examples),
  );
  return new Map(examples.map(({ value }) => [value.code, value.title]));
}

function operationsFile(resources, codes) {
  const lines = Object.entries(resources).flatMap(([resource, operations]) => [
    `  ${resource}: {`,
    ...Object.entries(operations).map(([name, { method, path, headers, answer, sends }]) => {
      const takes = optionsOf(headers).map(({ option }) => `'${option}'`).join(', ');
      const what = [`method: '${method}'`, `path: '${path}'`, `answer: '${answer}'`, sends && `sends: '${sends}'`, takes && `takes: [${takes}]`];
      return `    ${name}: { ${what.filter(Boolean).join(', ')} },`;
    }),
    '  },',
  ]);
  return [
    `${NOTE}'use strict';`,
    '',
    '/** What each method sends, and what it gives. */',
    'exports.OPERATIONS = {',
    ...lines,
    '};',
    '',
    '/** What the service refuses with. */',
    'exports.CODES = [',
    ...[...codes.keys()].map(code => `  '${code}',`),
    '];',
    '',
  ].join('\n');
}

function typesFile(document, resources, codes) {
  const schemas = Object.entries(document.components.schemas);
  return [
    NOTE,
    "import type { ApiError, Conditional, Empty, List, Repeatable, RequestOptions, Result } from './core.js';\n",
    ...schemas.map(([name, schema]) => schemaType(name, schema)),
    ...operationsOf(resources).map(paramsType).filter(Boolean),
    ...Object.entries(resources).map(resourceType),
    `/** What the service refuses with, as far as this client knows. */\nexport type ErrorCode =\n${[...codes.keys()].map(code => `  | '${code}'`).join('\n')};\n`,
    ...[...codes].map(([code, title]) => `${comment(`${title}.`)}export class ${errorName(code)} extends ApiError {
  readonly code: '${code}';
}
`),
  ].join('\n');
}

const operationsOf = resources =>
  Object.entries(resources).flatMap(([resource, operations]) =>
    Object.entries(operations).map(([name, operation]) => ({ resource, name, ...operation })),
  );

function schemaType(name, schema) {
  if (schema.type === 'object') return `${comment(schema.description)}export interface ${name} ${members(schema)}\n`;
  return `${comment(schema.description)}export type ${name} = ${type(schema)};\n`;
}

function members({ properties = {}, required = [] }, ofInput = false) {
  const lines = Object.entries(properties).map(([name, schema]) => {
    const optional = required.includes(name) ? '' : '?';
    const absent = optional && ofInput ? ' | undefined' : '';
    return comment(schema.description, '  ') + `  ${name}${optional}: ${type(schema, ofInput)}${absent};\n`;
  });
  return `{\n${lines.join('')}}`;
}

/** A schema as a type. Where it is sent, a time may be a `Date`. */
function type(schema, ofInput = false) {
  if (schema.$ref) return schema.$ref.split('/').at(-1);
  if (schema.const !== undefined) return literal(schema.const);
  if (schema.enum) return literals(schema.enum);
  if (schema.anyOf) return schema.anyOf.map(one => type(one, ofInput)).join(' | ');
  const types = [schema.type ?? 'unknown'].flat().map(name => {
    if (name === 'array') return `Array<${type(schema.items, ofInput)}>`;
    if (name === 'object') return members(schema, ofInput);
    if (name === 'string' && ofInput && schema.format === 'date-time') return 'string | Date';
    return name === 'integer' ? 'number' : name;
  });
  return types.join(' | ');
}

const literal = value => (typeof value === 'string' ? `'${value}'` : String(value));

/** One of these. In a query, truth is text. */
const literals = values =>
  values.join() === 'true,false' ? 'boolean' : values.map(literal).join(' | ');

const paramsName = (resource, name) => `${pascalCase(resource)}${pascalCase(name)}Params`;

/** The members of what an operation sends. */
function paramsType({ resource, name, sends, body, query, described }) {
  if (!sends) return undefined;
  const properties = Object.fromEntries(query.map(({ name, schema, description }) => [name, { ...schema, description }]));
  const required = query.filter(({ required }) => required).map(({ name }) => name);
  const all = members(body ?? { properties, required }, true);
  return `${comment(`${described.summary}: what to send.`)}export interface ${paramsName(resource, name)} ${all}\n`;
}

const interfaceName = resource => `${pascalCase(resource)}Resource`;

function resourceType([resource, operations]) {
  const methods = Object.entries(operations).map(([name, operation]) => {
    const alias = camelCase(name);
    const spelling = alias === name ? '' : `  /** The same as \`${name}\`. */\n  ${alias}: this['${name}'];\n`;
    return comment(methodText(operation), '  ') + `  ${name}(${signature(resource, name, operation)}\n${spelling}`;
  });
  return `export interface ${interfaceName(resource)} {\n${methods.join('')}}\n`;
}

function methodText({ method, path, described, answer }) {
  // Whoever asks whether somebody is there is told that he is not.
  if (answer === 'exists') return `${described.summary}, \`true\` or \`false\`: \`${method} ${path}\`.`;
  const codes = Object.entries(described.responses)
    .filter(([status]) => !COMMON_STATUSES.test(status))
    .flatMap(([, { $ref }]) => $ref.split('/').at(-1).split('.'))
    .filter(code => !COMMON_CODES.includes(code));
  const errors = codes.map(code => `@throws {${errorName(code)}}`);
  return [`${described.summary}: \`${method} ${path}\`.`, '', described.description, ...(errors.length ? ['', ...errors] : [])]
    .join('\n');
}

function signature(resource, name, { ids, sends, body, query, headers, schema, answer }) {
  const required = body ? body.required.length > 0 : query.some(parameter => parameter.required);
  const params = paramsName(resource, name);
  const options = ['RequestOptions', ...optionsOf(headers).map(({ type }) => type)];
  const given = [
    ...ids.map(({ name, schema }) => `${name}: ${type(schema)}`),
    ...(sends ? [`params${required ? '' : '?'}: ${params}`] : []),
    `options?: ${options.join(' & ')}`,
  ];
  const results = {
    object: () => `Promise<Result<${schema ? type(schema) : 'Empty'}>>`,
    list: () => `List<${type(schema.items)}${sends ? `, ${params}` : ''}>`,
    stream: () => 'AsyncGenerator<StoredEvent, void, void>',
    exists: () => 'Promise<boolean>',
  };
  return `${given.join(', ')}): ${results[answer]()};`;
}

/** What is written by hand in `types/core.d.ts`, as far as users name it. */
const CORE_TYPES = [
  'Conditional', 'Empty', 'LastResponse', 'List', 'Page', 'PingEvent', 'Repeatable', 'RequestOptions', 'Result', 'Settings',
  'Webhooks',
];
const CORE_ERRORS = [
  'DirtylemonError', 'ApiError', 'ConfigurationError', 'ConnectionError', 'TimeoutError', 'SignatureVerificationError',
];

const codeErrors = codes => [...codes.keys()].map(errorName);

/** How both files for `import` begin. */
const MODULE = [NOTE, "import Dirtylemon from './index.js';", '', 'export default Dirtylemon;', 'export { Dirtylemon };'];

/** Names between braces, one a line. */
const braced = names => `{\n${names.map(name => `  ${name},`).join('\n')}\n}`;

/** The names of all types of the document. */
const typeNames = (document, resources) => [
  ...Object.keys(document.components.schemas),
  'ErrorCode',
  ...operationsOf(resources).filter(({ sends }) => sends).map(({ resource, name }) => paramsName(resource, name)),
  ...Object.keys(resources).map(interfaceName),
];

const generic = name => ({ Result: '<T>', Page: '<T, Params>', List: '<T, Params = core.Empty>' })[name] ?? '';

/** A class that another file declares: as a value and as a type. */
const errorClass = (file, name) => `  const ${name}: typeof ${file}.${name};\n  type ${name} = ${file}.${name};`;

function commonJsTypes(document, resources, codes) {
  const names = Object.keys(resources).flatMap(resource => [...new Set([resource, camelCase(resource)])].map(spelling => [spelling, interfaceName(resource)]));
  const properties = prefix => names.map(([name, type]) => `  ${prefix}readonly ${name}: api.${type};`);
  const alias = name => {
    const parameters = generic(name);
    return `  type ${name}${parameters} = core.${name}${parameters.replace(/ = [\w.]+/g, '')};`;
  };
  return [
    NOTE,
    "import type * as api from './types/api.js';",
    "import type * as core from './types/core.js';",
    '',
    '/** A client of a Customers service. The class itself is one, too: the one that the environment configures. */',
    'declare class Dirtylemon {',
    '  constructor(settings?: core.Settings);',
    ...properties(''),
    '  readonly webhooks: core.Webhooks;',
    ...properties('static '),
    '  static readonly webhooks: core.Webhooks;',
    '}',
    '',
    '// In the namespace its own name means what is declared there.',
    'type Client = Dirtylemon;',
    'declare const Client: typeof Dirtylemon;',
    '',
    'declare namespace Dirtylemon {',
    '  const Dirtylemon: typeof Client;',
    '  type Dirtylemon = Client;',
    ...CORE_TYPES.map(alias),
    ...typeNames(document, resources).map(name => `  type ${name} = api.${name};`),
    ...CORE_ERRORS.map(name => errorClass('core', name)),
    ...codeErrors(codes).map(name => errorClass('api', name)),
    '}',
    '',
    'export = Dirtylemon;',
    '',
  ].join('\n');
}

function moduleTypes(document, resources, codes) {
  return [
    ...MODULE,
    `export type ${braced(CORE_TYPES)} from './types/core.js';`,
    `export type ${braced(typeNames(document, resources))} from './types/api.js';`,
    `export ${braced(CORE_ERRORS)} from './types/core.js';`,
    `export ${braced(codeErrors(codes))} from './types/api.js';`,
    '',
  ].join('\n');
}

function moduleFile(codes) {
  return [...MODULE, `export const ${braced([...CORE_ERRORS, ...codeErrors(codes)])} = Dirtylemon;`, ''].join('\n');
}

/** What is said to those who write queries by hand. */
const OF_QUERIES = / In a query `\+` is written `%2B`\./;

/** Text above what it is about. */
function comment(text, indent = '') {
  if (!text) return '';
  // A line of the document ends where its source did, a paragraph where an empty line is.
  const joined = text.replaceAll('*/', '*\\/').replace(/([^\n])\n(?![\n@])/g, '$1 ').replace(OF_QUERIES, '');
  const lines = joined.split('\n').flatMap(line => wrapped(line, 110 - indent.length));
  if (lines.length === 1) return `${indent}/** ${lines[0]} */\n`;
  return `${indent}/**\n${lines.map(line => `${indent} * ${line}`.trimEnd()).join('\n')}\n${indent} */\n`;
}

/** A line as lines that are not longer than this, where its words let it. */
function wrapped(line, width) {
  const lines = [''];
  for (const word of line.split(' ')) {
    const longer = lines.at(-1) === '' ? word : `${lines.at(-1)} ${word}`;
    if (longer.length <= width || lines.at(-1) === '') lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

if (require.main === module) {
  const files = generate(JSON.parse(readFileSync(0, 'utf8')));
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(__dirname, 'lib', name), text);
}

module.exports = { generate };
