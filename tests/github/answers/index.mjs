// Where GitHub answers otherwise than the emulator, by operation of the contract. Every other operation is passed on.
import { apps } from './apps.mjs';
import { checks } from './checks.mjs';
import { codeScanning } from './code_scanning.mjs';
import { comments } from './comments.mjs';
import { issues } from './issues.mjs';
import { labels } from './labels.mjs';
import { pulls } from './pulls.mjs';
import { repositories } from './repositories.mjs';

/** @type {Record<string, (x: object, github: object) => Promise<object>>} */
export const ANSWERS = { ...apps, ...checks, ...codeScanning, ...comments, ...issues, ...labels, ...pulls, ...repositories };
