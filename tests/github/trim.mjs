// Cuts GitHub's API description down to the operations that our client may use, with every schema they reach.
//   node trim.mjs <api.github.com.json> [contract.json]
import { readFileSync, writeFileSync } from 'node:fs';

/** An operation that is not in this list is a violation: the list is the client's permission to use the API. */
const OPERATIONS = `
get    /repos/{owner}/{repo}
get    /repos/{owner}/{repo}/issues
post   /repos/{owner}/{repo}/issues
get    /repos/{owner}/{repo}/issues/{issue_number}
patch  /repos/{owner}/{repo}/issues/{issue_number}
get    /repos/{owner}/{repo}/issues/{issue_number}/comments
post   /repos/{owner}/{repo}/issues/{issue_number}/comments
patch  /repos/{owner}/{repo}/issues/comments/{comment_id}
delete /repos/{owner}/{repo}/issues/comments/{comment_id}
post   /repos/{owner}/{repo}/labels
get    /repos/{owner}/{repo}/labels/{name}
post   /repos/{owner}/{repo}/issues/{issue_number}/labels
delete /repos/{owner}/{repo}/issues/{issue_number}/labels/{name}
get    /repos/{owner}/{repo}/pulls
get    /repos/{owner}/{repo}/pulls/{pull_number}
get    /repos/{owner}/{repo}/pulls/{pull_number}/files
get    /repos/{owner}/{repo}/compare/{basehead}
post   /repos/{owner}/{repo}/check-runs
patch  /repos/{owner}/{repo}/check-runs/{check_run_id}
post   /repos/{owner}/{repo}/code-scanning/sarifs
get    /repos/{owner}/{repo}/collaborators/{username}/permission
get    /repos/{owner}/{repo}/installation
post   /app/installations/{installation_id}/access_tokens
`.trim().split('\n').map((line) => line.split(/\s+/));

/** Keys that say nothing about what is valid. */
const PROSE = new Set([
  'description', 'summary', 'example', 'examples', 'externalDocs', 'tags', 'x-github', 'operationId', 'headers', 'links', 'title',
]);

/** A copy without prose. The names under `properties` are data, so they stay even when they read like prose. */
function bare(node, areNames = false) {
  if (Array.isArray(node)) return node.map((item) => bare(item));
  if (node === null || typeof node !== 'object') return node;
  const kept = Object.entries(node).filter(([key]) => areNames || !PROSE.has(key));
  return Object.fromEntries(kept.map(([key, value]) => [key, key === 'enum' ? value : bare(value, key === 'properties')]));
}

function references(node, found = []) {
  if (node === null || typeof node !== 'object') return found;
  if (typeof node.$ref === 'string') found.push(node.$ref);
  for (const value of Object.values(node)) references(value, found);
  return found;
}

/** JSON with one operation or schema on each line, so that a renewed contract can be reviewed as a diff. */
function lines(contract) {
  const block = (entries) => `{\n${entries.map(([name, value]) => `${JSON.stringify(name)}: ${value}`).join(',\n')}\n}`;
  const flat = (object) => block(Object.entries(object).map(([name, value]) => [name, JSON.stringify(value)]));
  const nested = (object) => block(Object.entries(object).map(([name, value]) => [name, flat(value)]));
  return `${block([
    ['openapi', JSON.stringify(contract.openapi)],
    ['info', JSON.stringify(contract.info)],
    ['paths', nested(contract.paths)],
    ['components', nested(contract.components)],
  ])}\n`;
}

const [source, target = new URL('contract.json', import.meta.url)] = process.argv.slice(2);
if (!source) {
  console.error('usage: node trim.mjs <api.github.com.json> [contract.json]');
  process.exit(2);
}
const full = JSON.parse(readFileSync(source, 'utf8'));
const { version, license } = full.info;
const info = { title: 'GitHub REST API, cut to the operations in use', version, license };
const contract = { openapi: full.openapi, info, paths: {}, components: {} };
let pending = [];
for (const [method, path] of OPERATIONS) {
  const operation = full.paths[path]?.[method];
  if (!operation) throw new Error(`the description has no ${method} ${path}`);
  contract.paths[path] ??= {};
  contract.paths[path][method] = bare(operation);
  pending.push(...references(contract.paths[path][method]));
}
while (pending.length > 0) {
  const [kind, name] = pending.pop().replace('#/components/', '').split('/');
  contract.components[kind] ??= {};
  if (contract.components[kind][name]) continue;
  contract.components[kind][name] = bare(full.components[kind][name]);
  pending = pending.concat(references(contract.components[kind][name]));
}
const text = lines(contract);
writeFileSync(target, text);
console.error(`${OPERATIONS.length} operations, ${Object.keys(contract.components.schemas).length} schemas, ${text.length} bytes`);
