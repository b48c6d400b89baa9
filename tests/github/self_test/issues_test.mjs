import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, beforeEach, test } from 'node:test';
import { REPO, TestServer } from './test_server.mjs';

let server;
before(async () => { server = await TestServer.start(); });
after(() => server.stop());
beforeEach(() => server.fresh());

const get = async (number) => (await server.api('GET', `${REPO}/issues/${number}`)).data;
const patch = (number, body, options) => server.api('PATCH', `${REPO}/issues/${number}`, { body, ...options });
/** Long enough for GitHub's times, which have whole seconds, to differ. */
const nextSecond = () => sleep(1010 - (Date.now() % 1000));

test('issues are created one after the other, whoever asks at once', async () => {
  const made = await Promise.all(Array.from({ length: 20 }, (_, i) => server.issue({ title: `finding ${i}` })));
  assert.deepEqual(made.map(({ number }) => number).sort((a, b) => a - b), Array.from({ length: 20 }, (_, i) => i + 1));
  assert.equal((await server.list('?per_page=100')).length, 20);
  await server.clean();
});

test('a list comes in pages, newest first, and Link leads through all of them', async () => {
  for (let i = 0; i < 7; i++) await server.issue();
  let path = `${REPO}/issues?per_page=3&state=all`;
  const pages = [];
  for (let i = 0; i < 5 && path; i++) {
    const { data, headers } = await server.api('GET', path);
    pages.push(data.map(({ number }) => number));
    path = /<http:\/\/[^/]+([^>]*)>; rel="next"/.exec(headers.get('link') ?? '')?.[1];
  }
  assert.deepEqual(pages, [[7, 6, 5], [4, 3, 2], [1]]);
  await server.clean();
});

test('the last page has a way back', async () => {
  for (let i = 0; i < 3; i++) await server.issue();
  assert.match((await server.api('GET', `${REPO}/issues?per_page=1`)).headers.get('link'), /page=3>; rel="last"/);
  const link = (await server.api('GET', `${REPO}/issues?per_page=1&page=3`)).headers.get('link');
  assert.match(link, /page=2>; rel="prev"/);
  assert.match(link, /page=1>; rel="first"/);
  assert.doesNotMatch(link, /next|last/);
  assert.equal((await server.api('GET', `${REPO}/issues`)).headers.get('link'), null);
});

test('an answer carries the rate limit of the caller', async () => {
  const left = async () => Number((await server.api('GET', `${REPO}/issues`)).headers.get('x-ratelimit-remaining'));
  const before = await left();
  assert.ok(before > 4000 && await left() < before);
});

test('filters: state, creator, labels in any case', async () => {
  await server.issue({ labels: ['Compliance-Bot', 'tls'] });
  await server.issue({ labels: ['compliance-bot'] });
  await server.issue({}, { token: 'tok_mallory' });
  await patch(2, { state: 'closed' });
  assert.deepEqual(await server.numbers('?labels=COMPLIANCE-bot'), [1]);
  assert.deepEqual(await server.numbers('?labels=compliance-bot&state=all'), [2, 1]);
  assert.deepEqual(await server.numbers('?labels=compliance-bot,TLS&state=all'), [1]);
  assert.deepEqual(await server.numbers('?labels=unknown&state=all'), []);
  assert.deepEqual(await server.numbers('?state=closed'), [2]);
  assert.deepEqual(await server.numbers('?creator=mallory'), [3]);
  assert.deepEqual(await server.numbers(`?creator=${encodeURIComponent('github-actions[bot]')}&state=all`), [2, 1]);
  assert.deepEqual(await server.numbers('?assignee=none'), [3, 1]);
  assert.deepEqual(await server.numbers('?assignee=*'), []);
  await server.clean();
});

test('sorting: created is the default, updated and comments can be asked for', async () => {
  for (let i = 0; i < 3; i++) await server.issue();
  assert.deepEqual(await server.numbers('?sort=comments&direction=asc'), [1, 2, 3]);
  await server.comment(2);
  await sleep(5);
  await server.comment(1);
  await server.comment(1);
  assert.deepEqual(await server.numbers(''), [3, 2, 1]);
  assert.deepEqual(await server.numbers('?direction=asc'), [1, 2, 3]);
  assert.deepEqual(await server.numbers('?sort=updated'), [1, 2, 3]);
  assert.deepEqual(await server.numbers('?sort=comments'), [1, 2, 3]);
  assert.deepEqual(await server.numbers('?sort=comments&direction=asc'), [3, 2, 1]);
});

test('since: what changed in that second or later', async () => {
  await server.issue();
  await nextSecond();
  const { updated_at } = await server.issue();
  assert.deepEqual(await server.numbers(`?since=${updated_at}`), [2]);
  await server.comment(1);
  assert.deepEqual(await server.numbers(`?since=${updated_at}`), [2, 1]);
  await server.clean();
});

test('closing keeps the reason, and says who closed', async () => {
  for (const reason of ['completed', 'not_planned', 'duplicate']) {
    const { number } = await server.issue();
    const { status, data } = await patch(number, { state: 'closed', state_reason: reason });
    assert.deepEqual([status, data.state, data.state_reason, data.closed_by.login], [200, 'closed', reason, 'github-actions[bot]']);
    const read = await get(number);
    assert.deepEqual([read.state_reason, read.closed_by.login, read.closed_at !== null], [reason, 'github-actions[bot]', true]);
    assert.equal((await server.list('?state=closed'))[0].state_reason, reason);
    assert.equal((await server.state()).issues.at(-1).state_reason, reason);
  }
  await server.clean();
});

test('closing without a reason is completed, reopening is reopened', async () => {
  await server.issue();
  assert.equal((await patch(1, { state: 'closed' })).data.state_reason, 'completed');
  const { data } = await patch(1, { state: 'open' });
  assert.deepEqual([data.state, data.state_reason, data.closed_at, data.closed_by], ['open', 'reopened', null, null]);
});

test('a reason is ignored unless the state changes', async () => {
  await server.issue();
  assert.equal((await patch(1, { state_reason: 'not_planned' })).data.state_reason, null);
  assert.equal((await patch(1, { state: 'open', state_reason: 'not_planned' })).data.state_reason, null);
  await patch(1, { state: 'closed', state_reason: 'completed' });
  assert.equal((await patch(1, { state: 'closed', state_reason: 'duplicate' })).data.state_reason, 'completed');
  assert.equal((await patch(1, { state_reason: 'not_planned' })).data.state_reason, 'completed');
  assert.equal((await get(1)).state_reason, 'completed');
});

test('a duplicate that is reopened and closed again is no duplicate', async () => {
  await server.issue();
  await patch(1, { state: 'closed', state_reason: 'duplicate' });
  await patch(1, { title: 'renamed' });
  assert.equal((await get(1)).state_reason, 'duplicate');
  assert.equal((await patch(1, { state: 'open', state_reason: 'completed' })).data.state_reason, 'reopened');
  assert.equal((await patch(1, { state: 'closed' })).data.state_reason, 'completed');
});

test('closed because reopened is refused', async () => {
  await server.issue();
  assert.equal((await patch(1, { state: 'closed', state_reason: 'reopened' })).status, 422);
  assert.equal((await get(1)).state, 'open');
});

test('a body of 65,536 characters fits, one more does not', async () => {
  const fits = '\u{1F510}'.repeat(65_536); // characters, not bytes or UTF-16 units
  const { body, number } = await server.issue({ body: fits });
  assert.equal(body, fits);
  for (const { status, data } of [
    await server.api('POST', `${REPO}/issues`, { body: { title: 't', body: `${fits}x` } }), await patch(number, { body: `${fits}x` }),
  ]) {
    assert.deepEqual([status, data.errors[0].message], [422, 'body is too long (maximum is 65536 characters)']);
  }
  assert.deepEqual(await server.numbers('?state=all'), [1]);
});

test('a title of 256 characters fits, one more does not, and none does not', async () => {
  assert.equal((await server.issue({ title: 'x'.repeat(256) })).number, 1);
  for (const title of ['x'.repeat(257), '  ']) {
    assert.equal((await server.api('POST', `${REPO}/issues`, { body: { title } })).status, 422);
    assert.equal((await patch(1, { title })).status, 422);
  }
});

test('an update changes what it names, and replaces all labels', async () => {
  await server.issue({ body: 'b', labels: ['a', 'b'] });
  await patch(1, { labels: ['B', 'c'] });
  const { title, body, labels } = await get(1);
  assert.deepEqual([title, body, labels.map(({ name }) => name)], ['A finding', 'b', ['b', 'c']]);
  await server.clean();
});

test('an outsider may open an issue, without labels', async () => {
  const issue = await server.issue({ labels: ['compliance-bot'] }, { token: 'tok_mallory' });
  assert.deepEqual([issue.user.login, issue.user.type, issue.labels], ['mallory', 'User', []]);
  const own = await server.issue({ labels: ['compliance-bot'] }, { token: 'tok_maintainer' });
  assert.deepEqual([own.user.login, own.labels.length], ['maintainer', 1]);
});

test('an outsider may close what is theirs and nothing else, a maintainer may', async () => {
  await server.issue();
  await server.issue({}, { token: 'tok_mallory' });
  const { status, data } = await patch(1, { state: 'closed' }, { token: 'tok_mallory' });
  assert.deepEqual([status, data.message], [403, 'Must have admin rights to Repository.']);
  assert.equal((await patch(2, { state: 'closed' }, { token: 'tok_mallory' })).status, 200);
  const closed = await patch(1, { state: 'closed' }, { token: 'tok_maintainer' });
  assert.deepEqual([closed.status, closed.data.closed_by.login], [200, 'maintainer']);
});

test('an issue that does not exist is 404', async () => {
  for (const { status, data } of [await server.api('GET', `${REPO}/issues/9`), await patch(9, { title: 't' })]) {
    assert.deepEqual([status, data.message], [404, 'Not Found']);
  }
  assert.equal((await server.api('GET', '/repos/acme/other/issues')).status, 404);
});

test('the repository can be read', async () => {
  const { data } = await server.api('GET', REPO);
  assert.deepEqual([data.full_name, data.default_branch, data.private, data.has_issues], ['acme/gateway', 'main', false, true]);
  await server.clean();
});
