import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { randomPorts, startEmulator } from '../emulator.mjs';
import { appKey } from '../keys.mjs';
import { REPO, start, TestServer } from './test_server.mjs';

let server;
before(async () => { server = await TestServer.start(); });
after(() => server.stop());
beforeEach(() => server.fresh());

const portOf = (address) => Number(new URL(address).port);

test('one line on stdout names three addresses of loopback', async () => {
  await server.issue();
  const { lines, api, upstream, control } = server.started;
  assert.equal(lines.length, 1);
  assert.deepEqual(JSON.parse(lines[0]), { api, upstream, control });
  for (const address of [api, upstream, control]) assert.match(address, /^http:\/\/127\.0\.0\.1:\d+$/);
  assert.ok(portOf(upstream) >= 12_000 && portOf(upstream) <= 29_000, upstream);
});

// On Linux all of 127/8 is this machine, so another address of it stands for any other interface.
test('only one address is listened to', { skip: process.platform !== 'linux', timeout: 10_000 }, async () => {
  for (const address of [server.started.api, server.started.control]) {
    const [error] = await once(connect({ host: '127.0.0.2', port: portOf(address) }), 'error');
    assert.equal(error.code, 'ECONNREFUSED');
  }
});

test('it ends when its stdin closes', { timeout: 10_000 }, async (t) => {
  const { process: child } = await start();
  t.after(() => child.kill('SIGKILL'));
  child.stdin.end();
  assert.deepEqual(await once(child, 'exit'), [0, null]);
});

test('it ends on SIGTERM', { timeout: 10_000 }, async (t) => {
  const { process: child } = await start();
  t.after(() => child.kill('SIGKILL'));
  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'exit'), [0, null]);
});

test('two servers know nothing of each other', async () => {
  const other = await TestServer.start();
  await other.fresh();
  await server.issue();
  assert.deepEqual(await other.list(), []);
  assert.equal((await other.api('GET', `${REPO}/issues`, { token: server.token })).status, 401);
  await other.stop();
});

test('another seed can be given', async () => {
  const seed = join(mkdtempSync(join(tmpdir(), 'seed-')), 'seed.yaml');
  writeFileSync(seed, 'tokens: {tok_a: {login: a}}\ngithub: {users: [{login: a}], repos: [{owner: a, name: b, auto_init: true}]}\n');
  const { process: child, api } = await start('--seed', seed);
  const response = await fetch(`${api}/repos/a/b`, { headers: { authorization: 'Bearer tok_a' } });
  assert.equal((await response.json()).full_name, 'a/b');
  child.stdin.end();
  await once(child, 'exit');
});

test('a port that is taken is passed over', async () => {
  const occupant = createServer().listen(0);
  await once(occupant, 'listening');
  const ports = [occupant.address().port, ...randomPorts()];
  const seed = { tokens: {}, github: { users: [{ login: 'a' }], repos: [{ owner: 'a', name: 'b' }] } };
  const emulator = await startEmulator({ seed, api: 'http://127.0.0.1', ports });
  assert.ok(ports.slice(1).includes(emulator.port));
  assert.equal((await emulator.ask('GET', '/repos/a/b')).data.full_name, 'a/b');
  await emulator.close();
  occupant.close();
});

test('the key of an app is made once, and differs from other apps', async () => {
  const directory = pathToFileURL(`${mkdtempSync(join(tmpdir(), 'keys-'))}/`);
  const first = await appKey('one', directory);
  assert.match(first, /^-----BEGIN RSA PRIVATE KEY-----/);
  assert.equal(await appKey('one', directory), first);
  assert.notEqual(await appKey('two', directory), first);
  assert.match(await appKey('one', new URL('file:///dev/null/')), /^-----BEGIN RSA/); // nowhere to keep it
});

test('a token that nobody was given is refused', async () => {
  const { status, data } = await server.api('GET', REPO, { token: 'ghs_unknown' });
  assert.deepEqual([status, data.message], [401, 'Bad credentials']);
});

test('without a token public data can be read and nothing written', async () => {
  assert.equal((await server.api('GET', `${REPO}/issues`, { token: null })).status, 200);
  assert.equal((await server.api('POST', `${REPO}/issues`, { token: null, body: { title: 't' } })).status, 401);
});

test('a request without User-Agent is refused', async () => {
  const question = httpRequest(server.started.api + REPO).end();
  const [answer] = await once(question, 'response');
  answer.resume();
  assert.equal(answer.statusCode, 403);
  assert.deepEqual(await server.violations(), ['no User-Agent header']);
});

test('the user of an installation token does not exist', async () => {
  const { status, data } = await server.api('GET', '/user');
  assert.deepEqual([status, data.message], [403, 'Resource not accessible by integration']);
  assert.deepEqual(await server.violations(), ['not an operation of the contract']);
});

test('a body of more than 12 MB is refused, and one below is not', async () => {
  const upload = (bytes) => server.api('POST', `${REPO}/code-scanning/sarifs`, { body: { commit_sha: 'x', ref: 'x', sarif: 'A'.repeat(bytes) } });
  assert.equal((await upload(12 * 1024 * 1024)).status, 413);
  assert.equal((await upload(11 * 1024 * 1024)).status, 422); // its commit_sha is none
  const [{ body, status }] = await server.control('GET', '/requests');
  assert.ok(status === 413 && body.omitted_bytes > 12 * 1024 * 1024);
});

test('an answer that did not change is 304', async () => {
  await server.issue();
  const first = await server.api('GET', `${REPO}/issues`);
  const etag = first.headers.get('etag');
  const again = await server.api('GET', `${REPO}/issues`, { headers: { 'if-none-match': etag } });
  assert.deepEqual([again.status, again.data], [304, '']);
  await server.issue();
  const changed = await server.api('GET', `${REPO}/issues`, { headers: { 'if-none-match': etag } });
  assert.deepEqual([changed.status, changed.data.length], [200, 2]);
  assert.deepEqual((await server.control('GET', '/requests')).filter(({ method }) => method === 'GET').map(({ status }) => status), [200, 304, 200]);
});

test('times have whole seconds, and [bot] is escaped in addresses', async () => {
  const { created_at, updated_at, user } = await server.issue();
  for (const time of [created_at, updated_at]) assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.deepEqual([user.login, user.type, user.url], ['github-actions[bot]', 'Bot', `${server.started.api}/users/github-actions%5Bbot%5D`]);
});

test('the prefix of GitHub Enterprise Server works, and is in every address of the API', async () => {
  for (let i = 0; i < 3; i++) await server.issue({ body: `${server.started.api}/repos/untouched` });
  const { status, data, headers } = await server.api('GET', `/api/v3${REPO}/issues?per_page=1`);
  const { api } = server.started;
  assert.equal(status, 200);
  assert.equal(data[0].url, `${api}/api/v3/repos/acme/gateway/issues/3`);
  assert.equal(data[0].html_url, `${api}/acme/gateway/issues/3`);
  assert.equal(data[0].body, `${api}/repos/untouched`);
  assert.match(headers.get('link'), new RegExp(`^<${api}/api/v3${REPO}/issues\\?per_page=1&page=2>; rel="next"`));
  assert.equal((await server.control('GET', '/requests')).at(-1).prefix, '/api/v3');
  const unprefixed = await server.api('GET', `${REPO}/issues?per_page=1`);
  assert.equal(unprefixed.data[0].url, `${api}/repos/acme/gateway/issues/3`);
  assert.match(unprefixed.headers.get('link'), new RegExp(`^<${api}${REPO}/issues\\?`));
  await server.clean();
});
