// What documents show, taken out of them to be run.

import { readFileSync } from 'node:fs';
import path from 'node:path';

import { repository } from './service.js';

/** The code blocks of a document in their order: `{ language, text, line }`. */
export function blocks(name) {
  const text = readFileSync(path.join(repository, name), 'utf8');
  const found = text.matchAll(/^```(\w*)\n(.*?)^```$/gms);
  return Array.from(found, ({ 1: language, 2: source, index }) => {
    return { language, text: source, line: text.slice(0, index).split('\n').length };
  });
}
