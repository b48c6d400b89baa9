import assert from 'node:assert/strict';
import { createSign } from 'node:crypto';
import { after, before, beforeEach, test } from 'node:test';
import { READ, REPO, TestServer } from './test_server.mjs';

let server;
before(async () => { server = await TestServer.start(); });
after(() => server.stop());
beforeEach(() => server.fresh());

const permission = async (login) => (await server.api('GET', `${REPO}/collaborators/${login}/permission`)).data;
const create = (token) => server.api('POST', `${REPO}/issues`, { body: { title: 't' }, token });

async function jwt({ slug = 'plumbline-app', key, ...claims } = {}) {
  const { id, private_key } = await server.control('GET', `/app?slug=${slug}`);
  const now = Math.floor(Date.now() / 1000);
  const encode = (part) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const unsigned = `${encode({ alg: 'RS256', typ: 'JWT' })}.${encode({ iat: now - 60, exp: now + 540, iss: String(id), ...claims })}`;
  return `${unsigned}.${createSign('RSA-SHA256').update(unsigned).sign(key ?? private_key).toString('base64url')}`;
}

test('permissions of a token are enforced', async () => {
  const { head } = await server.pull();
  await server.issue();
  const writes = async (token) => {
    const results = [
      await create(token),
      await server.api('POST', `${REPO}/issues/2/comments`, { body: { body: 'b' }, token }),
      await server.api('POST', `${REPO}/check-runs`, { body: { name: 'n', head_sha: head.sha }, token }),
      await server.api('GET', `${REPO}/issues`, { token }),
    ];
    for (const { status, data } of results) {
      if (status === 403) assert.equal(data.message, 'Resource not accessible by integration');
    }
    return results.map(({ status }) => status);
  };
  assert.deepEqual(await writes(await server.mint({ issues: 'write' })), [201, 201, 403, 200]);
  assert.deepEqual(await writes(await server.mint({ checks: 'write' })), [403, 403, 201, 200]);
  assert.deepEqual(await writes(await server.mint({ pull_requests: 'write' })), [403, 403, 403, 200]);
  assert.deepEqual(await writes(await server.mint(READ)), [403, 403, 403, 200]);
  assert.deepEqual(await writes(await server.mint({})), [403, 403, 403, 200]);
  await server.clean();
});

test('a token cannot have more than its app, and needs one', async () => {
  for (const body of [{ permissions: { administration: 'write' } }, { permissions: { metadata: 'write' } }]) {
    assert.equal((await server.refusedControl('POST', '/token', body)).status, 422);
  }
  for (const body of [{}, { app: 'unknown', permissions: {} }]) {
    assert.equal((await server.refusedControl('POST', '/token', body)).status, 400);
  }
});

test('two apps write under two names', async () => {
  await server.issue();
  const { user } = await server.issue({}, { token: await server.mint({ issues: 'write' }, 'plumbline-app') });
  assert.deepEqual([user.login, user.type], ['plumbline-app[bot]', 'Bot']);
  assert.deepEqual((await server.state()).issues.map((issue) => issue.user), ['github-actions[bot]', 'plumbline-app[bot]']);
});

test('an app signs in with its key, finds its installation and gets a token', async () => {
  for (const [slug, installation] of [['plumbline-app', 2], ['github-actions', 1]]) {
    const token = await jwt({ slug });
    const found = await server.api('GET', `${REPO}/installation`, { token });
    assert.deepEqual([found.status, found.data.id, found.data.app_slug], [200, installation, slug]);
    const permissions = { issues: 'write', metadata: 'read' };
    const { status, data } = await server.api('POST', `/app/installations/${installation}/access_tokens`, { token, body: { permissions, repositories: ['gateway'] } });
    assert.deepEqual([status, data.permissions], [201, permissions]);
    const issue = await create(data.token);
    assert.deepEqual([issue.status, issue.data.user.login], [201, `${slug}[bot]`]);
  }
  await server.clean();
});

test('an app that is not who it says is refused', async () => {
  const now = Math.floor(Date.now() / 1000);
  const { private_key: otherKey } = await server.control('GET', '/app?slug=github-actions');
  for (const [what, token] of Object.entries({
    'no token': null,
    'the key of another app': await jwt({ key: otherKey }),
    'the end is past': await jwt({ exp: now - 5 }),
    'the end is too far': await jwt({ exp: now + 3600 }),
    'issued in the future': await jwt({ iat: now + 3600 }),
    'not issued': await jwt({ iat: undefined }),
    'no claims': 'eyJhbGciOiJSUzI1NiJ9.e30.x',
    'no JSON': 'eyJ.x.x',
  })) {
    assert.equal((await server.api('GET', `${REPO}/installation`, { token })).status, 401, what);
    assert.equal((await server.api('POST', '/app/installations/2/access_tokens', { token, body: {} })).status, 401, what);
  }
  const foreign = await server.api('POST', '/app/installations/1/access_tokens', { token: await jwt(), body: {} });
  assert.equal(foreign.status, 404);
  assert.equal((await server.api('GET', '/repos/acme/none/installation', { token: await jwt() })).status, 404);
  assert.equal((await server.refusedControl('GET', '/app?slug=none')).status, 400);
});

test('the permission of a user has one of four words', async () => {
  const words = async (login) => { const { permission: word, role_name } = await permission(login); return [word, role_name]; };
  assert.deepEqual(await words('acme'), ['admin', 'admin']);
  assert.deepEqual(await words('maintainer'), ['write', 'write']);
  assert.deepEqual(await words('mallory'), ['read', 'read']);
  assert.equal((await permission('nobody')).message, 'Not Found');
  await server.clean();
});
