import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { REPO, TestServer } from './test_server.mjs';

let server;
before(async () => { server = await TestServer.start(); });
after(() => server.stop());
beforeEach(() => server.fresh());

const create = (title = 't') => server.api('POST', `${REPO}/issues`, { body: { title } });
const count = async () => (await server.state()).issues.length;
const onCreate = (fault) => server.fault({ method: 'POST', path: '/issues$', ...fault });

for (const [kind, status, message] of [
  [403, 403, /^Resource not accessible by integration$/], ['403bare-secondary', 403, /secondary rate limit/], [404, 404, /^Not Found$/],
  [410, 410, /^Issues are disabled/], [500, 500, /^Server Error$/], ['403rate', 403, /^API rate limit exceeded/],
  ['403secondary', 403, /secondary rate limit/], [429, 429, /secondary rate limit/],
]) {
  test(`${kind}: once, and nothing happens`, async () => {
    await onCreate({ kind });
    const refused = await create();
    assert.equal(refused.status, status);
    assert.match(refused.data.message, message);
    assert.equal(await count(), 0);
    assert.equal((await create()).status, 201);
    const [first] = await server.control('GET', '/requests');
    assert.deepEqual([first.status, first.fault], [status, String(kind)]);
  });
}

test('403rate says when the limit ends', async () => {
  for (const [more, seconds] of [[{}, 2], [{ seconds: 30 }, 30]]) {
    await onCreate({ kind: '403rate', ...more });
    const { headers } = await create();
    assert.equal(headers.get('x-ratelimit-remaining'), '0');
    assert.equal(headers.get('retry-after'), null);
    const wait = Number(headers.get('x-ratelimit-reset')) - Date.now() / 1000;
    assert.ok(wait > seconds - 1 && wait <= seconds + 1, String(wait));
  }
});

test('403secondary and 429 say how long to wait, 403bare-secondary and 403 do not', async () => {
  for (const [kind, more, expected] of [
    ['403secondary', {}, '1'], ['403secondary', { seconds: 7 }, '7'], [429, {}, '1'], [429, { seconds: 7 }, '7'],
    ['403bare-secondary', {}, null], [403, {}, null],
  ]) {
    await onCreate({ kind, ...more });
    const { headers } = await create();
    assert.deepEqual([headers.get('retry-after'), headers.get('x-ratelimit-remaining')], [expected, null], String(kind));
  }
});

test('422 says what it was told to', async () => {
  await onCreate({ kind: 422, message: 'Validation Failed: spam' });
  const { status, data } = await create();
  assert.deepEqual([status, data.message], [422, 'Validation Failed: spam']);
});

test('502 is a page, and nothing happens', async () => {
  await onCreate({ kind: 502 });
  const { status, data, headers } = await create();
  assert.deepEqual([status, headers.get('content-type')], [502, 'text/html']);
  assert.match(data, /^<html>/);
  assert.equal(await count(), 0);
});

test('502after: the issue exists all the same', async () => {
  await onCreate({ kind: '502after' });
  assert.equal((await create()).status, 502);
  assert.equal(await count(), 1);
});

test('drop: the connection ends, and nothing happens', async () => {
  await onCreate({ kind: 'drop' });
  await assert.rejects(create());
  assert.equal(await count(), 0);
  assert.equal((await server.control('GET', '/requests'))[0].status, 0);
});

test('dropafter: the connection ends, and the issue exists', async () => {
  await onCreate({ kind: 'dropafter' });
  await assert.rejects(create());
  assert.equal(await count(), 1);
});

test('slow: the answer comes later, and other requests do not wait', async () => {
  await onCreate({ kind: 'slow', ms: 300 });
  const began = performance.now();
  const slow = create();
  await server.list();
  const others = performance.now() - began;
  assert.equal((await slow).status, 201);
  assert.ok(performance.now() - began >= 295 && others < 295, String(others));
});

test('stale: lists show what was there when the fault was set, single issues do not', async () => {
  await server.issue({ labels: ['a'] });
  await server.fault({ kind: 'stale', times: 2 });
  await server.issue({ labels: ['a'] });
  await server.api('PATCH', `${REPO}/issues/1`, { body: { state: 'closed' } });
  assert.equal((await server.api('GET', `${REPO}/issues/2`)).status, 200);
  assert.deepEqual(await server.numbers('?labels=a'), [1]);
  assert.deepEqual((await server.list('?state=all')).map(({ number, state }) => [number, state]), [[1, 'open']]);
  assert.deepEqual(await server.numbers('?state=all'), [2, 1]);
  await server.clean();
});

test('page2missing: the first page names a second, and that is empty', async () => {
  for (let i = 0; i < 3; i++) await server.issue();
  await server.fault({ kind: 'page2missing' });
  const first = await server.api('GET', `${REPO}/issues?per_page=2`);
  assert.match(first.headers.get('link'), /page=2>; rel="next"/);
  assert.deepEqual(await server.numbers('?per_page=2&page=2'), []);
  assert.deepEqual(await server.numbers('?per_page=2&page=2'), [1]);
});

test('truncate: the answer ends in the middle of its JSON', async () => {
  await onCreate({ kind: 'truncate' });
  const { status, data, headers } = await create();
  assert.deepEqual([status, headers.get('content-type'), typeof data], [201, 'application/json; charset=utf-8', 'string']);
  assert.match(data, /^\{"url":/);
  assert.equal(await count(), 1);
});

test('notjson: a page in place of the answer', async () => {
  await server.fault({ kind: 'notjson', method: 'GET' });
  const { status, data } = await server.api('GET', `${REPO}/issues`);
  assert.equal(status, 200);
  assert.match(data, /^<html>/);
});

test('a fault meets only requests with its method and path, `times` times, after `skip`', async () => {
  await onCreate({ kind: 500, times: 2, skip: 1 });
  assert.deepEqual(await server.list(), []);
  assert.equal((await server.api('POST', `${REPO}/labels`, { body: { name: 'l' } })).status, 201);
  const statuses = [];
  for (let i = 0; i < 4; i++) statuses.push((await create()).status);
  assert.deepEqual(statuses, [201, 500, 500, 201]);
});

test('faults are met in the order in which they were set, with the prefix as well', async () => {
  await onCreate({ kind: 500 });
  await onCreate({ kind: 429 });
  const prefixed = await server.api('POST', `/api/v3${REPO}/issues`, { body: { title: 't' } });
  assert.deepEqual([prefixed.status, (await create()).status, (await create()).status], [500, 429, 201]);
});

test('a request that breaks the contract does not use up a fault', async () => {
  await onCreate({ kind: 500 });
  await server.api('POST', `${REPO}/issues`, { body: {} });
  assert.equal((await create()).status, 500);
});
