import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { after, before, beforeEach, test } from 'node:test';
import { Contract } from '../contract.mjs';
import { REPO, TestServer } from './test_server.mjs';

const FILE = new URL('../contract.json', import.meta.url);
const SHA = 'a'.repeat(40);

let server;
before(async () => { server = await TestServer.start(); });
after(() => server.stop());
beforeEach(() => server.fresh());

const ALLOWED = [
  'delete /repos/{owner}/{repo}/issues/comments/{comment_id}',
  'delete /repos/{owner}/{repo}/issues/{issue_number}/labels/{name}',
  'get /repos/{owner}/{repo}',
  'get /repos/{owner}/{repo}/collaborators/{username}/permission',
  'get /repos/{owner}/{repo}/compare/{basehead}',
  'get /repos/{owner}/{repo}/installation',
  'get /repos/{owner}/{repo}/issues',
  'get /repos/{owner}/{repo}/issues/{issue_number}',
  'get /repos/{owner}/{repo}/issues/{issue_number}/comments',
  'get /repos/{owner}/{repo}/labels/{name}',
  'get /repos/{owner}/{repo}/pulls',
  'get /repos/{owner}/{repo}/pulls/{pull_number}',
  'get /repos/{owner}/{repo}/pulls/{pull_number}/files',
  'patch /repos/{owner}/{repo}/check-runs/{check_run_id}',
  'patch /repos/{owner}/{repo}/issues/comments/{comment_id}',
  'patch /repos/{owner}/{repo}/issues/{issue_number}',
  'post /app/installations/{installation_id}/access_tokens',
  'post /repos/{owner}/{repo}/check-runs',
  'post /repos/{owner}/{repo}/code-scanning/sarifs',
  'post /repos/{owner}/{repo}/issues',
  'post /repos/{owner}/{repo}/issues/{issue_number}/comments',
  'post /repos/{owner}/{repo}/issues/{issue_number}/labels',
  'post /repos/{owner}/{repo}/labels',
];

test('the contract holds the operations of the client, and no others', () => {
  const { paths } = JSON.parse(readFileSync(FILE, 'utf8'));
  const operations = Object.entries(paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`));
  assert.deepEqual(operations.sort(), ALLOWED);
  assert.ok(statSync(FILE).size < 150_000);
});

for (const [method, path] of [
  ['GET', '/user'], ['GET', '/search/issues'], ['GET', '/rate_limit'], ['PUT', `${REPO}/issues/1/lock`], ['PUT', `${REPO}/issues/1/labels`],
  ['GET', `${REPO}/issues/1/timeline`], ['POST', `${REPO}/issues/comments/1`], ['DELETE', REPO], ['GET', `${REPO}/contents/x`], ['POST', `${REPO}/statuses/${SHA}`],
]) {
  test(`${method} ${path} is not an operation of the contract`, async () => {
    const { status } = await server.api(method, path, { token: 'tok_acme' });
    assert.equal(status, 422);
    assert.deepEqual(await server.control('GET', '/violations'),
      [{ side: 'request', method, path, errors: ['not an operation of the contract'] }]);
  });
}

const CHECK = { name: 'plumbline', head_sha: SHA };
const annotations = (count) => Array.from({ length: count }, () =>
  ({ path: 'a', start_line: 1, end_line: 1, annotation_level: 'warning', message: 'm' }));
const output = (more) => ({ title: 't', summary: 's', ...more });

for (const [what, method, path, body, error] of [
  ['an issue without title', 'POST', '/issues', { body: 'b' }, /required property 'title'/],
  ['an issue with a misspelt field', 'POST', '/issues', { title: 't', lables: ['a'] }, /additional properties \("lables"\)/],
  ['an issue whose body is a number', 'POST', '/issues', { title: 't', body: 1 }, /\/body must be string/],
  ['an issue with labels that are a text', 'POST', '/issues', { title: 't', labels: 'a' }, /\/labels must be array/],
  ['an issue with a misspelt label field', 'POST', '/issues', { title: 't', labels: [{ nam: 'a' }] }, /additional properties \("nam"\)/],
  ['an unknown state', 'PATCH', '/issues/1', { state: 'bogus' }, /\/state must be equal to one of/],
  ['an unknown reason', 'PATCH', '/issues/1', { state: 'closed', state_reason: 'wontfix' }, /\/state_reason must be equal to one of/],
  ['an update with a misspelt field', 'PATCH', '/issues/1', { sate: 'closed' }, /additional properties \("sate"\)/],
  ['a comment without body', 'POST', '/issues/1/comments', {}, /required property 'body'/],
  ['a comment with another field', 'POST', '/issues/1/comments', { body: 'b', text: 'b' }, /additional properties \("text"\)/],
  ['a comment edited to nothing', 'PATCH', '/issues/comments/1', {}, /required property 'body'/],
  ['a label without name', 'POST', '/labels', { color: 'ededed' }, /required property 'name'/],
  ['a label with another field', 'POST', '/labels', { name: 'n', colour: 'ededed' }, /additional properties \("colour"\)/],
  ['labels as a bare list', 'POST', '/issues/1/labels', ['a'], /must be object/],
  ['labels under another name', 'POST', '/issues/1/labels', { label: ['a'] }, /additional properties \("label"\)/],
  ['a check run without head_sha', 'POST', '/check-runs', { name: 'n' }, /required property 'head_sha'/],
  ['a check run with an unknown conclusion', 'POST', '/check-runs', { ...CHECK, conclusion: 'bogus' }, /\/conclusion must be equal/],
  ['a check run with another field', 'POST', '/check-runs', { ...CHECK, sumary: 's' }, /additional properties \("sumary"\)/],
  ['60 annotations', 'POST', '/check-runs', { ...CHECK, output: output({ annotations: annotations(60) }) }, /NOT have more than 50 items/],
  ['60 annotations in an update', 'PATCH', '/check-runs/1', { output: output({ annotations: annotations(60) }) }, /NOT have more than 50 items/],
  ['an annotation with another field', 'POST', '/check-runs', { ...CHECK, output: output({ annotations: [{ ...annotations(1)[0], line: 1 }] }) }, /\("line"\)/],
  ['an update of a check run with another field', 'PATCH', '/check-runs/1', { concluson: 'failure' }, /additional properties \("concluson"\)/],
  ['an output without summary', 'PATCH', '/check-runs/1', { output: { title: 't' } }, /required property 'summary'/],
  ['a summary that is too long', 'POST', '/check-runs', { ...CHECK, output: output({ summary: 'x'.repeat(65_536) }) }, /NOT have more than 65535 characters/],
  ['a SARIF upload for something that is no commit', 'POST', '/code-scanning/sarifs', { commit_sha: 'main', ref: 'refs/heads/main', sarif: 'x' }, /\/commit_sha must match pattern/],
  ['a SARIF upload for something that is no ref', 'POST', '/code-scanning/sarifs', { commit_sha: SHA, ref: 'main', sarif: 'x' }, /\/ref must match pattern/],
  ['an operation with a body that takes none', 'DELETE', '/issues/comments/1', { body: 'b' }, /takes none/],
  ['an operation without the body it needs', 'POST', '/issues', undefined, /body: missing/],
]) {
  test(`${what}: refused and recorded`, async () => {
    const { status, data } = await server.api(method, REPO + path, { body });
    assert.equal(status, 422);
    assert.match(data.errors.map(({ message }) => message).join('\n'), error);
    const [violation, ...others] = await server.control('GET', '/violations');
    assert.deepEqual([violation.side, others.length], ['request', 0]);
    assert.match(violation.errors.join('\n'), error);
    assert.deepEqual(await server.list(), []);
  });
}

test('an installation token with a misspelt permission is refused', async () => {
  const { status } = await server.api('POST', '/app/installations/1/access_tokens', { body: { permissions: { isues: 'write' } } });
  assert.equal(status, 422);
  assert.match((await server.violations()).join(), /additional properties \("isues"\)/);
});

for (const [query, error] of [
  ['?state=bogus', /query state/], ['?lables=a', /lables is not a parameter/], ['?per_page=101', /per_page: above 100/],
  ['?per_page=many', /query per_page: \/ must be integer/], ['?since=yesterday', /query since/], ['?sort=name', /query sort/],
]) {
  test(`the query ${query}: refused and recorded`, async () => {
    assert.equal((await server.api('GET', `${REPO}/issues${query}`)).status, 422);
    assert.match((await server.violations()).join(), error);
  });
}

test('filters that are not simulated are recorded', async () => {
  assert.equal((await server.api('GET', `${REPO}/issues?milestone=1`)).status, 200);
  assert.match((await server.violations()).join(), /milestone: not simulated/);
});

test('an issue number is a number', async () => {
  assert.equal((await server.api('GET', `${REPO}/issues/one`)).status, 422);
  assert.match((await server.violations()).join(), /path issue_number: \/ must be integer/);
});

test('a body that is not JSON is refused and recorded', async () => {
  const { status, data } = await server.api('POST', `${REPO}/issues`, { raw: '{"title":' });
  assert.deepEqual([status, data.message], [400, 'Problems parsing JSON']);
  assert.deepEqual(await server.violations(), ['body: not JSON']);
  assert.deepEqual((await server.control('GET', '/requests'))[0].body, { malformed: '{"title":' });
});

test('an answer that breaks the contract is recorded', async () => {
  // The emulator keeps a time that is none, and would hand it out.
  const body = { ...CHECK, started_at: 'yesterday' };
  const { data } = await server.upstream('POST', `${REPO}/check-runs`, { body });
  await server.api('PATCH', `${REPO}/check-runs/${data.id}`, { body: { status: 'in_progress' } });
  const [{ side, errors }] = await server.control('GET', '/violations');
  assert.deepEqual([side, errors], ['answer', ['/started_at must match format "date-time"', '/started_at must be null', '/started_at must match a schema in anyOf']]);
});

test('an answer with an undescribed success is a violation, with an undescribed error it is not', () => {
  const contract = new Contract();
  const found = contract.find('GET', `${REPO}/issues/1`);
  assert.deepEqual(contract.faultsOfAnswer(found, 202, {}), ['status 202 is not described']);
  assert.deepEqual(contract.faultsOfAnswer(found, 401, {}), []);
  assert.match(contract.faultsOfAnswer(found, 200, { number: 1 }).join(), /required property 'html_url'/);
});
