// Apps and collaborators: the emulator shows the first app's installation to everybody, and names permissions by other words.
import { notFound, reply } from '../reply.mjs';

/** GitHub reports four words here, and the finer role as `role_name`. */
const PERMISSION = { push: 'write', maintain: 'write', triage: 'read', pull: 'read' };

async function installation(x, github) {
  const answer = await x.forward({ path: '/app/installations' });
  if (answer.status !== 200) return answer;
  const owner = x.variables.owner.toLowerCase();
  const own = answer.data.find(({ account }) => account.login.toLowerCase() === owner);
  const repository = await github.emulator.ask('GET', `/repos/${x.repository}`);
  if (!own || repository.status !== 200) return notFound();
  return { ...answer, data: { ...own, account: repository.data.owner, target_id: repository.data.owner.id } };
}

async function accessToken(x, github) {
  const answer = await x.forward();
  if (answer.status !== 201) return answer;
  const id = Number(x.variables.installation_id);
  const ofApp = ({ installations }) => installations.some(({ installation_id }) => installation_id === id);
  const app = [...github.emulator.apps.values()].find(ofApp);
  const { token, permissions, repositories } = answer.data;
  github.callers.addInstallation(token, app.slug, permissions);
  if (!repositories) return answer;
  const whole = await Promise.all(repositories.map(({ full_name }) => github.emulator.ask('GET', `/repos/${full_name}`)));
  return { ...answer, data: { ...answer.data, repositories: whole.map(({ data }) => data) } };
}

async function permission(x, github) {
  const answer = await x.forward();
  if (answer.status === 200) return described(answer, answer.data);
  if (answer.status !== 404) return answer;
  // Everybody may read a public repository.
  const [repository, user] = await Promise.all([
    x.forward({ path: `/repos/${x.repository}` }),
    github.emulator.ask('GET', `/users/${encodeURIComponent(x.variables.username)}`),
  ]);
  if (repository.status !== 200 || repository.data.private || user.status !== 200) return answer;
  return described(answer, { permission: 'read', role_name: 'read', user: user.data });
}

const described = ({ headers }, { permission: word, role_name, user }) =>
  reply(200, { permission: PERMISSION[word] ?? word, role_name, user: { ...user, role_name } }, headers);

export const apps = {
  'get /repos/{owner}/{repo}/installation': installation,
  'post /app/installations/{installation_id}/access_tokens': accessToken,
  'get /repos/{owner}/{repo}/collaborators/{username}/permission': permission,
};
