import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, beforeEach, test } from 'node:test';
import { REPO, TestServer } from './test_server.mjs';

let server;
before(async () => { server = await TestServer.start(); });
after(() => server.stop());
beforeEach(() => server.fresh());

const comments = async (number, query = '') => (await server.api('GET', `${REPO}/issues/${number}/comments${query}`)).data;
const edit = (id, body, options) => server.api('PATCH', `${REPO}/issues/comments/${id}`, { body: { body }, ...options });
const names = (labels) => labels.map(({ name }) => name);
const addLabels = (number, labels, options) => server.api('POST', `${REPO}/issues/${number}/labels`, { body: { labels }, ...options });
const label = (body, options) => server.api('POST', `${REPO}/labels`, { body, ...options });

test('a comment is written, listed, edited and deleted', async () => {
  await server.issue();
  const { id, user } = await server.comment(1, 'first');
  assert.deepEqual([user.login, user.type], ['github-actions[bot]', 'Bot']);
  assert.equal((await edit(id, 'second')).data.body, 'second');
  assert.deepEqual((await comments(1)).map(({ body }) => body), ['second']);
  const { status, data } = await server.api('DELETE', `${REPO}/issues/comments/${id}`);
  assert.deepEqual([status, data], [204, '']);
  assert.deepEqual(await comments(1), []);
  assert.equal((await server.api('DELETE', `${REPO}/issues/comments/${id}`)).status, 404);
  assert.equal((await edit(id, 'third')).status, 404);
  await server.clean();
});

test('comments come in pages, oldest first', async () => {
  await server.issue();
  for (let i = 0; i < 3; i++) await server.comment(1, `comment ${i}`);
  const { data, headers } = await server.api('GET', `${REPO}/issues/1/comments?per_page=2`);
  assert.deepEqual(data.map(({ body }) => body), ['comment 0', 'comment 1']);
  assert.match(headers.get('link'), /per_page=2&page=2>; rel="next"/);
  assert.deepEqual((await comments(1, '?per_page=2&page=2')).map(({ body }) => body), ['comment 2']);
});

test('comments since: what was written in that second or later', async () => {
  await server.issue();
  await server.comment(1, 'old');
  await sleep(1010 - (Date.now() % 1000));
  const { created_at } = await server.comment(1, 'new');
  assert.deepEqual((await comments(1, `?since=${created_at}`)).map(({ body }) => body), ['new']);
});

test('a comment of 65,536 characters fits, one more does not', async () => {
  await server.issue();
  const { id } = await server.comment(1, 'x'.repeat(65_536));
  for (const { status, data } of [
    await edit(id, 'x'.repeat(65_537)), await server.api('POST', `${REPO}/issues/1/comments`, { body: { body: 'x'.repeat(65_537) } }),
  ]) {
    assert.deepEqual([status, data.errors[0].message], [422, 'body is too long (maximum is 65536 characters)']);
  }
});

test('a comment needs `issues`, on a pull request `pull_requests` will do', async () => {
  await server.issue();
  await server.pull();
  const token = await server.mint({ pull_requests: 'write' });
  const refused = await server.api('POST', `${REPO}/issues/1/comments`, { body: { body: 'b' }, token });
  assert.deepEqual([refused.status, refused.data.message], [403, 'Resource not accessible by integration']);
  const { id } = await server.comment(2, 'b', { token });
  assert.equal((await edit(id, 'c', { token })).status, 200);
  const { id: onIssue } = await server.comment(1);
  assert.equal((await edit(onIssue, 'c', { token })).status, 403);
  assert.equal((await server.api('DELETE', `${REPO}/issues/comments/${onIssue}`, { token })).status, 403);
  await server.clean();
});

test('an outsider may comment, and change what is theirs only', async () => {
  await server.issue();
  const { id } = await server.comment(1);
  const token = 'tok_mallory';
  const own = await server.comment(1, 'mine', { token });
  assert.equal(own.user.login, 'mallory');
  assert.equal((await edit(id, 'spoofed', { token })).status, 403);
  assert.equal((await server.api('DELETE', `${REPO}/issues/comments/${id}`, { token })).status, 403);
  assert.equal((await edit(own.id, 'still mine', { token })).status, 200);
});

test('a locked issue takes comments, unless the setting says otherwise', async () => {
  await server.issue();
  await server.upstream('PUT', `${REPO}/issues/1/lock`, { body: {} });
  assert.ok((await server.comment(1)).id);
  await server.control('POST', '/settings', { locked_forbids: true });
  const { status, data } = await server.api('POST', `${REPO}/issues/1/comments`, { body: { body: 'b' } });
  assert.deepEqual([status, data.message], [403, 'Unable to create comment because issue is locked.']);
  assert.equal((await server.state()).issues[0].locked, true);
});

const minimize = (subjectId, { classifier = 'OUTDATED', token, path = '/graphql' } = {}) => server.api('POST', path, {
  ...(token && { token }),
  body: { query: 'mutation($id: ID!) { minimizeComment(input: {subjectId: $id, classifier: ' + classifier + '}) { minimizedComment { isMinimized } } }', variables: { id: subjectId } },
});

test('a comment is minimized by GraphQL, and /state shows it', async () => {
  await server.issue();
  const { node_id } = await server.comment(1);
  for (const path of ['/graphql', '/api/graphql']) {
    const { data } = await minimize(node_id, { path });
    assert.equal(data.data.minimizeComment.minimizedComment.isMinimized, true);
  }
  assert.equal((await server.state()).issues[0].comments[0].minimized, true);
  const input = { query: 'mutation($input: MinimizeCommentInput!) { minimizeComment(input: $input) { clientMutationId } }', variables: { input: { subjectId: node_id, classifier: 'OUTDATED' } } };
  assert.ok((await server.api('POST', '/graphql', { body: input })).data.data.minimizeComment);
  await server.clean();
});

test('GraphQL refuses what it cannot do', async () => {
  await server.issue();
  const { node_id } = await server.comment(1);
  assert.equal((await minimize('nonsense')).data.errors[0].type, 'NOT_FOUND');
  assert.equal((await minimize(node_id, { token: await server.mint({ issues: 'read' }) })).data.errors[0].type, 'FORBIDDEN');
  await server.clean();
  assert.ok((await minimize(node_id, { classifier: 'BORING' })).data.errors);
  assert.ok((await server.api('POST', '/graphql', { body: { query: '{ viewer { login } }' } })).data.errors);
  assert.equal((await server.violations()).length, 2);
  assert.equal((await server.state()).issues[0].comments[0].minimized, undefined);
});

test('a label is created once, whatever its case', async () => {
  assert.equal((await label({ name: 'Compliance-Bot', color: 'd73a4a', description: 'managed' })).status, 201);
  const { status, data } = await label({ name: 'compliance-bot', color: 'd73a4a' });
  assert.deepEqual([status, data.errors], [422, [{ resource: 'Label', code: 'already_exists', field: 'name' }]]);
  const read = await server.api('GET', `${REPO}/labels/COMPLIANCE-BOT`);
  assert.deepEqual([read.status, read.data.name, read.data.description], [200, 'Compliance-Bot', 'managed']);
  assert.equal((await server.api('GET', `${REPO}/labels/none`)).status, 404);
  await server.clean();
});

test('labels that GitHub refuses', async () => {
  for (const body of [{ name: 'x'.repeat(51) }, { name: 'n', description: 'x'.repeat(101) }, { name: 'n', color: '#d73a4a' }, { name: ' ' }]) {
    assert.equal((await label(body)).status, 422, JSON.stringify(body));
  }
  assert.equal((await label({ name: 'x'.repeat(50), description: 'x'.repeat(100) })).status, 201);
});

test('labels are added and removed, in the spelling that the repository has', async () => {
  await label({ name: 'Regressed', color: 'd73a4a' });
  await server.issue({ labels: ['REGRESSED', 'regressed', 'tls'] });
  assert.deepEqual(names((await addLabels(1, ['regressed', 'new label'])).data), ['Regressed', 'tls', 'new label']);
  const { status, data } = await server.api('DELETE', `${REPO}/issues/1/labels/NEW%20LABEL`);
  assert.deepEqual([status, names(data)], [200, ['Regressed', 'tls']]);
  const absent = await server.api('DELETE', `${REPO}/issues/1/labels/absent`);
  assert.deepEqual([absent.status, absent.data.message], [404, 'Label does not exist']);
  assert.equal((await addLabels(1, ['x'.repeat(51)])).status, 422);
  assert.deepEqual((await server.state()).issues[0].labels, ['Regressed', 'tls']);
  await server.clean();
});

test('labels need the right to write', async () => {
  await server.issue();
  await label({ name: 'known' });
  const readOnly = { token: await server.mint({ issues: 'read' }) };
  for (const options of [readOnly, { token: 'tok_mallory' }]) {
    assert.equal((await label({ name: 'known' }, options)).status, 403);
    assert.equal((await label({ name: 'new' }, options)).status, 403);
    assert.equal((await addLabels(1, ['known'], options)).status, 403);
    assert.equal((await server.api('DELETE', `${REPO}/issues/1/labels/known`, options)).status, 403);
  }
});
