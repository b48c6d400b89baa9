// Checks requests and answers against GitHub's own description of its API, cut down by trim.mjs.
import { readFileSync } from 'node:fs';
import Ajv from 'ajv';
import addFormats from 'ajv-formats';

const SHOWN_ERRORS = 6;
const COMBINED = ['oneOf', 'anyOf', 'allOf'];
const LARGEST_PAGE = 100;
/** GitHub's description says that labels of listed pull requests always have a text here; GitHub says null when there is none. */
const UNTRUE = /^\/\d+\/labels\/\d+\/description must be string$/;

/** JSON Schema from OpenAPI 3.0, which has `nullable` in place of the type `null`. */
function plain(schema) {
  if (Array.isArray(schema)) return schema.map(plain);
  if (schema === null || typeof schema !== 'object') return schema;
  const { nullable, discriminator, ...rest } = schema;
  const converted = Object.fromEntries(Object.entries(rest).map(([key, value]) => {
    if (key === '$ref') return [key, value.replace('#/', 'github#/')];
    if (['enum', 'required', 'default'].includes(key)) return [key, value];
    if (key === 'properties') return [key, Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]))];
    return [key, plain(value)];
  }));
  return nullable ? { anyOf: [converted, { type: 'null' }] } : converted;
}

/**
 * GitHub ignores properties that it does not know, so a misspelt one would pass unnoticed: `labels` under another name is an
 * issue without labels. Here it is an error. Alternatives that only refine properties of their parent are left open.
 */
function closed(schema) {
  if (Array.isArray(schema)) return schema.map(closed);
  if (schema === null || typeof schema !== 'object') return schema;
  const { properties } = schema;
  const inner = Object.fromEntries(Object.entries(schema).map(([key, value]) => {
    if (key === 'properties') return [key, Object.fromEntries(Object.entries(value).map(([name, item]) => [name, closed(item)]))];
    return [key, COMBINED.includes(key) && properties ? value : closed(value)];
  }));
  return properties && schema.additionalProperties === undefined ? { ...inner, additionalProperties: false } : inner;
}

const literal = (text) => text.replace(/[.*+?^$()|[\]\\]/g, '\\$&');
const fromText = (text) => (text === 'true' || text === 'false' ? text === 'true' : /^-?\d+$/.test(text) ? Number(text) : text);

export class Contract {
  #description;
  #ajv = new Ajv({ strict: false, allErrors: true, logger: false, validateSchema: false }); // GitHub's own schemas
  #validators = new Map();
  #operations;

  constructor(file = new URL('contract.json', import.meta.url)) {
    this.#description = JSON.parse(readFileSync(file, 'utf8'));
    addFormats(this.#ajv);
    this.#ajv.addSchema({ $id: 'github', components: { schemas: plain(this.#description.components.schemas) } });
    this.#operations = Object.entries(this.#description.paths)
      .flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => ({
        key: `${method} ${path}`,
        method: method.toUpperCase(),
        // Branch names may hold slashes, and GitHub takes them unescaped in `basehead`.
        pattern: new RegExp(`^${literal(path).replace('{basehead}', '(?<basehead>.+)').replace(/\{([^/}]+)\}/g, '(?<$1>[^/]+)')}$`),
        variables: path.split('{').length,
        operation,
        parameters: (operation.parameters ?? []).map((parameter) => this.#resolved(parameter)),
      })))
      .sort((a, b) => a.variables - b.variables); // `issues/comments/{id}` before `issues/{number}/…`
  }

  /** The operation that a request means, or undefined when our client may not use it. */
  find(method, path) {
    for (const candidate of this.#operations) {
      const match = candidate.method === method && candidate.pattern.exec(path);
      if (match) {
        const variables = Object.entries(match.groups).map(([name, value]) => [name, decodeURIComponent(value)]);
        return { ...candidate, path: Object.fromEntries(variables) };
      }
    }
    return undefined;
  }

  /** What is wrong with a request. `body` is undefined when there was none. */
  faultsOfRequest(found, query, body) {
    const faults = [];
    for (const { name, schema } of found.parameters.filter((one) => one.in === 'path')) {
      faults.push(...this.#faultsOfText(`${found.key} path ${name}`, schema, found.path[name]).map((text) => `path ${name}: ${text}`));
    }
    for (const [name, value] of query) {
      const parameter = found.parameters.find((one) => one.in === 'query' && one.name === name);
      if (!parameter) faults.push(`query: ${name} is not a parameter of this operation`);
      else faults.push(...this.#faultsOfText(`${found.key} query ${name}`, parameter.schema, value).map((text) => `query ${name}: ${text}`));
      if (name === 'per_page' && Number(value) > LARGEST_PAGE) faults.push(`query per_page: above ${LARGEST_PAGE}`);
    }
    const described = this.#resolved(found.operation.requestBody);
    const schema = described?.content?.['application/json']?.schema;
    if (body === undefined) return described?.required ? [...faults, 'body: missing'] : faults;
    if (!schema) return [...faults, 'body: this operation takes none'];
    return [...faults, ...this.#faults(`${found.key} body`, () => closed(this.#inlined(schema)), body).map((text) => `body: ${text}`)];
  }

  /** What is wrong with an answer. Errors that GitHub gives without describing them, such as 401, are not faults. */
  faultsOfAnswer(found, status, data) {
    const described = this.#resolved(found.operation.responses[status]);
    if (!described) return status >= 400 ? [] : [`status ${status} is not described`];
    const schema = described.content?.['application/json']?.schema;
    if (!schema) return [];
    return this.#faults(`${found.key} ${status}`, schema, data).filter((text) => !UNTRUE.test(text));
  }

  /** A parameter is a text, which may stand for a number or a truth. */
  #faultsOfText(key, schema, text) {
    return this.#faults(key, schema, fromText(text), text);
  }

  /** None when one of the values is as the schema says. */
  #faults(key, schema, ...values) {
    if (!this.#validators.has(key)) {
      this.#validators.set(key, this.#ajv.compile(plain(typeof schema === 'function' ? schema() : schema)));
    }
    const validate = this.#validators.get(key);
    if (values.some((value) => validate(value))) return [];
    return validate.errors.slice(0, SHOWN_ERRORS).map(({ instancePath, message, params }) => {
      const detail = params.additionalProperty ?? params.allowedValues;
      return `${instancePath || '/'} ${message}${detail === undefined ? '' : ` (${JSON.stringify(detail)})`}`;
    });
  }

  #resolved(node) {
    return node?.$ref ? node.$ref.slice(2).split('/').reduce((inner, key) => inner[key], this.#description) : node;
  }

  /** Request schemas are closed property by property, so what they refer to is copied in. None of them is recursive. */
  #inlined(node) {
    if (Array.isArray(node)) return node.map((item) => this.#inlined(item));
    if (node === null || typeof node !== 'object') return node;
    if (node.$ref) return this.#inlined(this.#resolved(node));
    return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, this.#inlined(value)]));
  }
}
