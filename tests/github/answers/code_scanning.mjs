// SARIF uploads, which the emulator does not have.
import { gunzipSync } from 'node:zlib';
import { randomUUID } from 'node:crypto';
import { notAccessible, problem, reply } from '../reply.mjs';
import { permits } from '../callers.mjs';
import { isOutsider } from './access.mjs';

const LARGEST_DOCUMENT = 64 * 1024 * 1024;

function documentIn(sarif) {
  const document = JSON.parse(gunzipSync(Buffer.from(sarif, 'base64'), { maxOutputLength: LARGEST_DOCUMENT }).toString());
  if (!Array.isArray(document.runs)) throw new Error('no runs');
  return document;
}

async function upload(x, github) {
  const repository = await x.forward({ method: 'GET', path: `/repos/${x.repository}` });
  if (repository.status !== 200) return repository;
  if (x.caller.kind === 'anonymous') return problem(401, 'Requires authentication');
  if (!permits(x.caller, ['security_events']) || await isOutsider(x, github)) return notAccessible();
  if (!github.memory.settings.sarif_enabled) {
    return problem(403, 'Advanced Security must be enabled for this repository to use code scanning.');
  }
  let sarif;
  try { sarif = documentIn(x.body.sarif); } catch (error) {
    return problem(400, `The SARIF document is not gzip-compressed and base64-encoded JSON with runs: ${error.message}`);
  }
  const { commit_sha, ref } = x.body;
  github.memory.sarif({ repository: x.repository, commit_sha, ref, sarif });
  const id = randomUUID();
  return reply(202, { id, url: `${x.api}${x.path}/${id}` }, repository.headers);
}

export const codeScanning = {
  'post /repos/{owner}/{repo}/code-scanning/sarifs': upload,
};
