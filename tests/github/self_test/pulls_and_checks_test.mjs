import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { REPO, TestServer } from './test_server.mjs';

let server;
before(async () => { server = await TestServer.start(); });
after(() => server.stop());
beforeEach(() => server.fresh());

const check = (body, options) => server.api('POST', `${REPO}/check-runs`, { body: { name: 'plumbline', ...body }, ...options });
const annotation = { path: 'feature.yaml', start_line: 1, end_line: 1, annotation_level: 'warning', message: 'TLS 1.2' };
const output = (count) => ({ title: 't', summary: 's', annotations: Array.from({ length: count }, () => annotation) });

test('pull requests are in the list of issues, with and without a filter by label', async () => {
  await server.issue({ labels: ['tls'] });
  const { number } = await server.pull({ label: 'TLS' });
  for (const query of ['', '?labels=tls', '?creator=acme']) {
    const row = (await server.list(query)).find((one) => one.number === number);
    assert.equal(row?.pull_request?.url, `${server.started.api}${REPO}/pulls/2`, query);
  }
  assert.deepEqual(await server.numbers('?labels=other'), []);
  assert.deepEqual((await server.list('')).map((row) => 'pull_request' in row), [true, false]);
  await server.upstream('PATCH', `${REPO}/pulls/2`, { body: { state: 'closed' } });
  assert.deepEqual(await server.numbers(''), [1]);
  assert.deepEqual(await server.numbers('?state=all'), [2, 1]);
  await server.clean();
});

test('a pull request counts when a list is cut into pages', async () => {
  await server.issue();
  await server.pull();
  await server.issue();
  assert.deepEqual(await server.numbers('?per_page=2'), [3, 2]);
  assert.deepEqual(await server.numbers('?per_page=2&page=2'), [1]);
});

test('an issue can be asked for by the number of a pull request', async () => {
  await server.pull({ label: 'tls' });
  await server.comment(1);
  const { status, data } = await server.api('GET', `${REPO}/issues/1`);
  assert.deepEqual([status, data.number, data.comments, data.labels[0].name], [200, 1, 1, 'tls']);
  assert.ok(data.pull_request.html_url.endsWith('/acme/gateway/pull/1'));
  await server.clean();
});

test('a client that edits a pull request as an issue does edit it', async () => {
  await server.pull({ label: 'tls' });
  const { status, data } = await server.api('PATCH', `${REPO}/issues/1`, { body: { state: 'closed', title: 'harm', labels: ['x'] } });
  assert.deepEqual([status, data.state, data.title, data.labels.map(({ name }) => name)], [200, 'closed', 'harm', ['x']]);
  const pull = (await server.api('GET', `${REPO}/pulls/1`)).data;
  assert.deepEqual([pull.state, pull.title], ['closed', 'harm']);
  assert.equal((await server.api('PATCH', `${REPO}/issues/1`, { body: { state: 'open' }, token: 'tok_mallory' })).status, 403);
  assert.equal((await server.api('PATCH', `${REPO}/issues/1`, { body: { body: 'x'.repeat(65_537) } })).status, 422);
  await server.clean();
});

test('a comment makes a pull request newer', async () => {
  await server.pull();
  await server.issue();
  await server.comment(1);
  assert.deepEqual(await server.numbers('?sort=updated'), [1, 2]);
});

test('pull requests are listed and read, with what they change', async () => {
  const { number, head } = await server.pull({ label: 'without description' });
  await server.comment(number);
  assert.deepEqual((await server.api('GET', `${REPO}/pulls?state=open`)).data.map((pull) => pull.head.sha), [head.sha]);
  const { data } = await server.api('GET', `${REPO}/pulls/${number}`);
  assert.deepEqual([data.changed_files, data.additions, data.deletions, data.comments, data.head.sha], [1, 2, 0, 1, head.sha]);
  assert.equal((await server.api('GET', `${REPO}/pulls/9`)).status, 404);
  await server.pull({ branch: 'second' });
  const page = await server.api('GET', `/api/v3${REPO}/pulls?per_page=1`);
  assert.ok(page.headers.get('link').startsWith(`<${server.started.api}/api/v3${REPO}/pulls?per_page=1&page=2>; rel="next"`));
  await server.clean();
});

test('the files of a pull request come with their patch, in pages', async () => {
  const { number } = await server.pull();
  const content = Buffer.from('a\n').toString('base64');
  await server.upstream('PUT', `${REPO}/contents/second.yaml`, { body: { message: 'second', branch: 'feature', content } });
  const { data: pull } = await server.upstream('POST', `${REPO}/pulls`, { body: { title: 'both', head: 'feature', base: 'main' } });
  const first = await server.api('GET', `${REPO}/pulls/${number}/files?per_page=100`);
  assert.deepEqual(first.data.map(({ filename, status }) => [filename, status]), [['feature.yaml', 'added']]);
  assert.match(first.data[0].patch, /\+tls: 1\.2/);
  const page = await server.api('GET', `${REPO}/pulls/${pull.number}/files?per_page=1&page=2`);
  assert.deepEqual([page.data.length, page.data[0].filename], [1, 'second.yaml']);
  assert.match(page.headers.get('link'), /rel="prev"/);
  await server.clean();
});

test('two commits are compared', async () => {
  const { head, base } = await server.pull({ branch: 'fix/tls' });
  for (const range of [`${base.sha}...${head.sha}`, 'main...fix%2Ftls', 'main...fix/tls']) {
    const { status, data } = await server.api('GET', `${REPO}/compare/${range}`);
    assert.deepEqual([status, data.status, data.files.length], [200, 'ahead', 1]);
  }
  await server.clean();
});

test('a check run has an address of its annotations, with and without output', async () => {
  const { head } = await server.pull();
  const { status, data } = await check({ head_sha: head.sha, status: 'in_progress' });
  const address = `${server.started.api}${REPO}/check-runs/${data.id}/annotations`;
  assert.deepEqual([status, data.output.annotations_url, data.output.annotations_count], [201, address, 0]);
  const updated = await server.api('PATCH', `${REPO}/check-runs/${data.id}`, { body: { conclusion: 'failure' } });
  assert.deepEqual([updated.data.status, updated.data.conclusion, updated.data.output.annotations_url], ['completed', 'failure', address]);
  await server.clean();
});

test('annotations of updates are added to those before', async () => {
  const { head } = await server.pull();
  const { data } = await check({ head_sha: head.sha, status: 'in_progress', output: output(50) });
  const update = await server.api('PATCH', `${REPO}/check-runs/${data.id}`, { body: { output: output(20) } });
  assert.equal(update.data.output.annotations_count, 70);
  assert.equal((await check({ head_sha: head.sha, output: output(1) })).data.output.annotations_count, 1);
});

test('a conclusion completes a check run', async () => {
  const { head } = await server.pull();
  const { data } = await check({ head_sha: head.sha, conclusion: 'neutral' });
  assert.deepEqual([data.status, data.conclusion], ['completed', 'neutral']);
  assert.equal((await check({ head_sha: head.sha, status: 'completed' })).status, 422);
});

test('only apps write check runs', async () => {
  const { head } = await server.pull();
  const { status, data } = await check({ head_sha: head.sha }, { token: 'tok_acme' });
  assert.deepEqual([status, data.message], [403, 'You must authenticate via a GitHub App.']);
  const readOnly = await check({ head_sha: head.sha }, { token: await server.mint({ checks: 'read' }) });
  assert.deepEqual([readOnly.status, readOnly.data.message], [403, 'Resource not accessible by integration']);
});

const packed = (document) => gzipSync(JSON.stringify(document)).toString('base64');
const upload = (sarif, options) => server.api('POST', `${REPO}/code-scanning/sarifs`, {
  body: { commit_sha: 'b'.repeat(40), ref: 'refs/heads/main', sarif }, ...options,
});

test('a SARIF document is taken, and can be looked at', async () => {
  const document = { version: '2.1.0', runs: [{ tool: { driver: { name: 'plumbline' } }, results: [] }] };
  const { status, data } = await upload(packed(document));
  assert.equal(status, 202);
  assert.equal(data.url, `${server.started.api}${REPO}/code-scanning/sarifs/${data.id}`);
  assert.deepEqual(await server.control('GET', '/sarifs'),
    [{ repository: 'acme/gateway', commit_sha: 'b'.repeat(40), ref: 'refs/heads/main', sarif: document }]);
  await server.clean();
});

test('a SARIF document that is not packed, has no runs or unpacks without end is refused', async () => {
  const endless = gzipSync(`{"runs":[]${' '.repeat(64 * 1024 * 1024)}}`).toString('base64');
  for (const sarif of [Buffer.from('{"runs":[]}').toString('base64'), packed({}), 'H4sI', endless]) {
    assert.equal((await upload(sarif)).status, 400);
  }
  assert.deepEqual(await server.control('GET', '/sarifs'), []);
});

test('a SARIF document needs the permission, and code scanning', async () => {
  const sarif = packed({ runs: [] });
  const other = await server.mint({ issues: 'write', security_events: 'read' });
  assert.deepEqual((await upload(sarif, { token: other })).data.message, 'Resource not accessible by integration');
  assert.equal((await upload(sarif, { token: 'tok_mallory' })).status, 403);
  assert.equal((await upload(sarif, { token: null })).status, 401);
  await server.control('POST', '/settings', { sarif_enabled: false });
  const { status, data } = await upload(sarif);
  assert.deepEqual([status, data.message], [403, 'Advanced Security must be enabled for this repository to use code scanning.']);
  assert.deepEqual(await server.control('GET', '/sarifs'), []);
});
