// The one mutation that REST lacks. Anything else on /graphql is a violation.
import { reply } from '../reply.mjs';
import { permits } from '../callers.mjs';
import { commentsOn, rowsOf } from './rows.mjs';

const CLASSIFIERS = ['ABUSE', 'DUPLICATE', 'LOW_QUALITY', 'OFF_TOPIC', 'OUTDATED', 'RESOLVED', 'SPAM'];

const failed = (type, message) => reply(200, { data: { minimizeComment: null }, errors: [{ type, path: ['minimizeComment'], message }] });

/** An argument of the mutation, written in the query or given as a variable (alone, or inside an input object). */
function argument({ query, variables = {} }, name) {
  const written = new RegExp(`${name}\\s*:\\s*(?:"([^"]*)"|\\$(\\w+)|(\\w+))`).exec(query);
  if (!written) return Object.values(variables).find((value) => value?.[name] !== undefined)?.[name];
  return written[1] ?? written[3] ?? variables[written[2]];
}

export async function graphql(x, github) {
  if (typeof x.body?.query !== 'string' || !/\bmutation\b[^]*\bminimizeComment\b/.test(x.body.query)) {
    x.violated(['graphql: only the mutation minimizeComment may be used']);
    return reply(200, { errors: [{ message: 'Only the mutation minimizeComment is simulated.' }] });
  }
  if (x.caller.kind === 'anonymous') return reply(401, { message: 'This endpoint requires you to be authenticated.' });
  const id = argument(x.body, 'subjectId');
  const classifier = argument(x.body, 'classifier');
  if (!CLASSIFIERS.includes(classifier)) {
    x.violated([`graphql: classifier ${JSON.stringify(classifier)} is not one of ${CLASSIFIERS.join(', ')}`]);
    return failed('argumentLiteralsIncompatible', 'classifier is not a ReportedContentClassifiers');
  }
  if (!permits(x.caller, ['issues', 'pull_requests'])) return failed('FORBIDDEN', 'Resource not accessible by integration');
  if (!await isComment(github, id)) return failed('NOT_FOUND', `Could not resolve to a node with the global id of '${id}'`);
  github.memory.minimized.add(id);
  const minimizedComment = { isMinimized: true, minimizedReason: classifier.toLowerCase() };
  return reply(200, { data: { minimizeComment: { clientMutationId: null, minimizedComment } } });
}

async function isComment(github, id) {
  for (const repository of github.emulator.repositories) {
    for (const { number, comments } of await rowsOf(github, repository)) {
      const written = comments > 0 ? await commentsOn(github, repository, number) : [];
      if (written.some(({ node_id }) => node_id === id)) return true;
    }
  }
  return false;
}
