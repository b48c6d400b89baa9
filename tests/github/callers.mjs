// Who is asking. The emulator takes any token for somebody; GitHub does not.
import { problem } from './reply.mjs';

/**
 * @typedef {{ kind: 'anonymous' | 'app' | 'user' | 'installation', login?: string, app?: string, permissions?: object }} Caller
 */

/** GitHub refuses a JSON web token that lives longer than ten minutes. */
const LONGEST_LIFE_SECONDS = 600;
const CLOCK_SKEW_SECONDS = 60;
const RANK = { read: 1, write: 2 };

export class Callers {
  #users;
  #installations = new Map();

  /** @param {Record<string, { login: string }>} tokens the seed's user tokens */
  constructor(tokens = {}) {
    this.#users = new Map(Object.entries(tokens).map(([token, { login }]) => [token, { kind: 'user', login }]));
  }

  addInstallation(token, app, permissions) {
    this.#installations.set(token, { kind: 'installation', login: `${app}[bot]`, app, permissions });
  }

  forgetInstallations() {
    this.#installations.clear();
  }

  /** @returns {Caller | { refusal: object }} */
  identify(authorization) {
    if (authorization === undefined) return { kind: 'anonymous' };
    const token = authorization.replace(/^(Bearer|token)\s+/i, '').trim();
    if (token.startsWith('eyJ')) return identifyApp(token);
    return this.#users.get(token) ?? this.#installations.get(token) ?? { refusal: problem(401, 'Bad credentials') };
  }
}

/** The emulator checks signature and end; GitHub checks the claims' spans as well. */
function identifyApp(token) {
  let claims;
  try { claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()); } catch { claims = {}; }
  const now = Date.now() / 1000;
  if (!(claims.iat <= now + CLOCK_SKEW_SECONDS)) {
    return { refusal: problem(401, "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued") };
  }
  if (claims.exp > now + LONGEST_LIFE_SECONDS + CLOCK_SKEW_SECONDS) {
    return { refusal: problem(401, "'Expiration time' claim ('exp') is too far in the future") };
  }
  return { kind: 'app' };
}

/** Whether an installation token has one of these permissions; other callers have none of them to lack. */
export const permits = (caller, names, level = 'write') =>
  caller.kind !== 'installation' || names.some((name) => (RANK[caller.permissions[name]] ?? 0) >= RANK[level]);
