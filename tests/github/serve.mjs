// A GitHub to test against, for one test: emulator, proxy and control in one process. README.md says how to use it.
//   node serve.mjs [--seed FILE]
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { parse } from 'yaml';
import { Callers } from './callers.mjs';
import { Contract } from './contract.mjs';
import { controlHandler } from './control.mjs';
import { startEmulator } from './emulator.mjs';
import { Faults } from './faults.mjs';
import { Memory } from './memory.mjs';
import { Proxy } from './proxy.mjs';

/** Longer than a test waits between two requests, so that no client meets a connection that just ends. */
const KEPT_OPEN_MS = 120_000;

/** A server on a free port of loopback, that asks for its handler when a request comes. */
const listen = (handler) => new Promise((resolve, reject) => {
  const server = createServer((request, response) => handler()(request, response));
  server.keepAliveTimeout = KEPT_OPEN_MS;
  server.on('error', reject).listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${server.address().port}`));
});

const { values } = parseArgs({ options: { seed: { type: 'string' } } });
const seed = parse(readFileSync(values.seed ?? new URL('seed.yaml', import.meta.url), 'utf8'));

let proxy, control;
const [api, controlUrl] = await Promise.all([listen(() => proxy), listen(() => control)]);
const emulator = await startEmulator({ seed, api });
const github = {
  api, emulator, contract: new Contract(), memory: new Memory(), callers: new Callers(seed.tokens), faults: new Faults(),
};
const answering = new Proxy(github);
proxy = (request, response) => answering.handle(request, response);
control = controlHandler(github);

const end = () => process.exit(0);
process.on('SIGTERM', end).on('SIGINT', end);
process.stdin.on('end', end).on('close', end).on('error', end).resume(); // whoever started this is gone
process.stdout.write(`${JSON.stringify({ api, upstream: emulator.url, control: controlUrl })}\n`);
