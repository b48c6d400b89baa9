import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { REPO, TestServer } from './test_server.mjs';

let server;
before(async () => { server = await TestServer.start(); });
after(() => server.stop());
beforeEach(() => server.fresh());

const statuses = async (number) => [
  await server.api('GET', `${REPO}/issues/${number}`),
  await server.api('PATCH', `${REPO}/issues/${number}`, { body: { state: 'closed' } }),
  await server.api('GET', `${REPO}/issues/${number}/comments`),
  await server.api('POST', `${REPO}/issues/${number}/comments`, { body: { body: 'b' } }),
  await server.api('POST', `${REPO}/issues/${number}/labels`, { body: { labels: ['l'] } }),
].map(({ status }) => status);

test('requests of the client are recorded in order, with who and when', async () => {
  await server.issue();
  await server.list('?labels=a&state=all', { token: 'tok_mallory' });
  await server.api('GET', `${REPO}/pulls/9`, { token: null });
  const [created, listed, missing, ...more] = await server.control('GET', '/requests');
  assert.deepEqual(more, []);
  const { at, ...rest } = created;
  assert.deepEqual(rest, { method: 'POST', path: `${REPO}/issues`, prefix: '', query: {}, body: { title: 'A finding' }, status: 201, user: 'github-actions[bot]' });
  assert.deepEqual([listed.query, listed.user, listed.status], [{ labels: 'a', state: 'all' }, 'mallory', 200]);
  assert.deepEqual([missing.status, missing.user], [404, undefined]);
  assert.ok(at < listed.at && listed.at < missing.at);
  await server.control('POST', '/requests/clear');
  assert.deepEqual(await server.control('GET', '/requests'), []);
});

test('clear forgets requests, violations and faults, and keeps issues and tokens', async () => {
  await server.issue();
  await server.api('GET', '/rate_limit');
  await server.fault({ kind: 500 });
  await server.control('POST', '/clear');
  assert.deepEqual([await server.control('GET', '/requests'), await server.control('GET', '/violations')], [[], []]);
  assert.equal((await server.list()).length, 1);
});

test('reset goes back to the seed, and ends tokens', async () => {
  await server.issue();
  await server.api('PATCH', `${REPO}/issues/1`, { body: { state: 'closed', state_reason: 'duplicate' } });
  await server.control('POST', '/settings', { sarif_enabled: false });
  await server.control('POST', '/delete', { repo: 'acme/gateway', number: 1 });
  await server.fault({ kind: 500 });
  const old = server.token;
  await server.control('POST', '/reset');
  assert.deepEqual(await server.state(), { issues: [], pulls: [] });
  assert.deepEqual(await server.control('GET', '/requests'), []);
  assert.equal((await server.api('GET', REPO, { token: old })).status, 401);
  assert.equal((await server.api('GET', `${REPO}/collaborators/maintainer/permission`, { token: 'tok_acme' })).data.permission, 'write');
  assert.equal((await server.control('POST', '/settings', {})).sarif_enabled, true);
  await server.fresh();
  assert.equal((await server.issue()).number, 1);
  assert.equal((await server.api('PATCH', `${REPO}/issues/1`, { body: { state: 'closed' } })).data.state_reason, 'completed');
});

test('with issues disabled everything about issues is 410, and pull requests still answer', async () => {
  await server.issue();
  await server.pull();
  const { id } = await server.comment(1);
  const { id: onPull } = await server.comment(2);
  await server.control('POST', '/settings', { issues_enabled: false });
  const { status, data } = await server.api('POST', `${REPO}/issues`, { body: { title: 't' } });
  assert.deepEqual([status, data.message], [410, 'Issues are disabled for this repo']);
  assert.equal((await server.api('GET', `${REPO}/issues`)).status, 410);
  assert.deepEqual(await statuses(1), [410, 410, 410, 410, 410]);
  assert.deepEqual(await statuses(2), [200, 200, 200, 201, 200]);
  const edit = (comment) => server.api('PATCH', `${REPO}/issues/comments/${comment}`, { body: { body: 'b' } });
  assert.deepEqual([(await edit(id)).status, (await edit(onPull)).status], [410, 200]);
  await server.clean();
});

test('a transferred issue redirects to where nobody is let in, and is not listed', async () => {
  await server.issue();
  await server.issue();
  const { id } = await server.comment(1);
  await server.control('POST', '/transfer', { repo: 'acme/gateway', number: 1 });
  assert.deepEqual(await statuses(1), [301, 301, 404, 404, 301]);
  const { data, headers } = await server.api('GET', `/api/v3${REPO}/issues/1`);
  assert.deepEqual([data.message, data.url], ['Moved Permanently', headers.get('location')]);
  assert.equal((await fetch(headers.get('location'))).status, 404);
  assert.equal((await server.api('PATCH', `${REPO}/issues/comments/${id}`, { body: { body: 'b' } })).status, 404);
  assert.deepEqual(await server.numbers('?state=all'), [2]);
  assert.deepEqual((await server.state()).issues.map(({ number }) => number), [2]);
  assert.equal((await server.issue()).number, 3); // numbers are not given again
  await server.control('POST', '/transfer', { repo: 'acme/gateway', number: 2, status: 404 });
  assert.deepEqual(await statuses(2), [404, 404, 404, 404, 404]);
  await server.clean();
});

test('a deleted issue is gone, and not listed', async () => {
  await server.issue();
  await server.issue();
  const { id } = await server.comment(1);
  await server.control('POST', '/delete', { repo: 'acme/gateway', number: 1 });
  assert.equal((await server.api('PATCH', `${REPO}/issues/comments/${id}`, { body: { body: 'b' } })).status, 404);
  assert.deepEqual(await statuses(1), [410, 410, 410, 410, 410]);
  assert.equal((await server.api('GET', `${REPO}/issues/1`)).data.message, 'This issue was deleted');
  assert.deepEqual(await server.numbers('?state=all'), [2]);
  await server.control('POST', '/delete', { repo: 'acme/gateway', number: 2, status: 404 });
  assert.deepEqual(await statuses(2), [404, 404, 404, 404, 404]);
});

test('the state is a summary of issues and pull requests', async () => {
  await server.issue({ body: 'b', labels: ['tls'] });
  await server.pull({ label: 'tls' });
  const { id } = await server.comment(1, 'one');
  const { id: sticky } = await server.comment(2, 'two');
  await server.api('PATCH', `${REPO}/issues/1`, { body: { state: 'closed', state_reason: 'not_planned' } });
  const user = 'github-actions[bot]';
  assert.deepEqual(await server.state(), {
    issues: [{ number: 1, title: 'A finding', state: 'closed', state_reason: 'not_planned', labels: ['tls'], user, body: 'b', comments: [{ id, user, body: 'one' }], locked: false }],
    pulls: [{ number: 2, title: 'Add feature', state: 'open', state_reason: null, labels: ['tls'], user: 'acme', body: null, comments: [{ id: sticky, user, body: 'two' }], locked: false }],
  });
});

test('controls that make no sense are refused', async () => {
  for (const [method, path, body, status] of [
    ['GET', '/nothing', undefined, 404],
    ['GET', '/state?repo=acme/none', undefined, 400],
    ['POST', '/settings', { issues: false }, 400],
    ['POST', '/settings', { issues_enabled: 'no' }, 400],
    ['POST', '/transfer', { repo: 'acme/gateway' }, 400],
    ['POST', '/delete', { repo: 'acme/gateway', number: 1, status: 301 }, 400],
    ['POST', '/fault', { kind: 'unheard of' }, 400],
    ['POST', '/fault', { kind: 500, time: 2 }, 400],
    ['POST', '/fault', { kind: 500, times: 0 }, 400],
    ['POST', '/fault', { kind: 500, path: '(' }, 400],
    ['POST', '/fault', {}, 400],
    ['POST', '/settings', { long: 'x'.repeat(1024 * 1024) }, 413],
  ]) {
    assert.equal((await server.refusedControl(method, path, body)).status, status, `${method} ${path}`);
  }
});
