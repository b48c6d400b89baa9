// Answers as GitHub words them. A reply is `{ status, data, headers }`; `data` undefined means no body.

const DOCUMENTATION = 'https://docs.github.com/rest';

export const reply = (status, data, headers = {}) => ({ status, data, headers });

export const problem = (status, message, headers = {}) =>
  reply(status, { message, documentation_url: DOCUMENTATION, status: String(status) }, headers);

/** A 422 that names one field, for example `invalid('Issue', 'title', 'missing_field')`. */
export const invalid = (resource, field, code, message) =>
  reply(422, {
    message: 'Validation Failed',
    errors: [{ resource, code, field, ...(message && { message }) }],
    documentation_url: DOCUMENTATION,
    status: '422',
  });

export const notAccessible = () => problem(403, 'Resource not accessible by integration');
export const mustBeAdmin = () => problem(403, 'Must have admin rights to Repository.');
export const notFound = () => problem(404, 'Not Found');

/** The emulator's errors in GitHub's words. */
export function reworded(answer, caller) {
  const { status, data } = answer;
  if (status < 400 || typeof data?.message !== 'string') return answer;
  let { message } = data;
  if (status === 403 && message === 'Forbidden') {
    message = caller.kind === 'installation' ? notAccessible().data.message : mustBeAdmin().data.message;
  }
  if (message === 'Validation failed') message = 'Validation Failed';
  return { ...answer, data: { ...data, message, documentation_url: DOCUMENTATION, status: String(status) } };
}

const API_PATH = /^\/(repos|repositories|users|orgs|app|installation)\//;
const MILLISECONDS = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.\d+Z$/;

/**
 * Details that the emulator gets wrong everywhere: times carry milliseconds (GitHub's are whole seconds), `[bot]` is not
 * escaped in addresses, and the addresses of the API lack the prefix that the client used.
 */
export function tidied(value, api, prefix, key = '') {
  if (Array.isArray(value)) return value.map((item) => tidied(item, api, prefix, key));
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, tidied(inner, api, prefix, name)]));
  }
  if (typeof value !== 'string') return value;
  if (/_at$|^date$/.test(key)) return value.replace(MILLISECONDS, '$1Z');
  if (/(^|_)url$|^href$/.test(key)) return prefixed(value.replaceAll('[bot]', '%5Bbot%5D'), api, prefix);
  return value;
}

function prefixed(address, api, prefix) {
  const path = address.startsWith(api) ? address.slice(api.length) : '';
  return API_PATH.test(path) ? api + prefix + path : address;
}

/** The addresses in a Link header, with the prefix that the client used. */
export const prefixedLink = (link, api, prefix) => link.replace(/<([^>]*)>/g, (_, address) => `<${prefixed(address, api, prefix)}>`);
