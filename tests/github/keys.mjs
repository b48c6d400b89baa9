// Private keys of the test apps. Making one takes 50 to 300 ms, which is most of a start, so they are made once and kept next to
// the installed packages: ignored by git, worth nothing outside of this emulator.
import { generateKeyPair } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

const DIRECTORY = new URL('node_modules/.cache/plumbline-test-github/', import.meta.url);

/** GitHub hands out PKCS#1 keys of 2048 bits, and so does this. */
const newKey = () => new Promise((resolve, reject) => {
  const encoding = { type: 'pkcs1', format: 'pem' };
  generateKeyPair('rsa', { modulusLength: 2048, publicKeyEncoding: encoding, privateKeyEncoding: encoding },
    (error, _publicKey, privateKey) => (error ? reject(error) : resolve(privateKey)));
});

/** The key of the app with this slug, the same one each time. */
export async function appKey(slug, directory = DIRECTORY) {
  const file = new URL(`${encodeURIComponent(slug)}.pem`, directory);
  const kept = readKept(file);
  if (kept) return kept;
  const key = await newKey();
  try {
    // Many tests start at once: a file appears whole or not at all, and whoever comes second uses what the first one made.
    mkdirSync(directory, { recursive: true });
    const draft = new URL(`${file.href}.${process.pid}`);
    writeFileSync(draft, key, { mode: 0o600 });
    renameSync(draft, file);
    return readKept(file) ?? key;
  } catch {
    return key; // nowhere to keep it, so the next start makes its own
  }
}

function readKept(file) {
  try {
    const text = readFileSync(file, 'utf8');
    return /^-----BEGIN RSA PRIVATE KEY-----[^]+-----END RSA PRIVATE KEY-----\s*$/.test(text) ? text : undefined;
  } catch {
    return undefined;
  }
}
