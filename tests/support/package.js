// The client as its users get it: packed, and installed into an empty project.

import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

import { temporaryDirectory } from './process.js';
import { cleanEnvironment, repository } from './service.js';

const execute = promisify(execFile);

export const CLIENT = path.join(repository, 'clients', 'node');

/** Packs the client: the path of the tarball, and what npm says of it. */
export async function pack() {
  const directory = temporaryDirectory('pack');
  const { stdout } = await execute('npm', ['pack', '--json', '--pack-destination', directory], { cwd: CLIENT });
  const [told] = [JSON.parse(stdout)].flatMap(told => (Array.isArray(told) ? told : Object.values(told)));
  return { tarball: path.join(directory, told.filename), ...told };
}

/** An empty project with the client installed. */
export async function project() {
  const { tarball } = await pack();
  const directory = temporaryDirectory('project');
  writeFileSync(path.join(directory, 'package.json'), '{"name": "bot", "private": true}');
  await execute('npm', ['install', '--no-audit', '--no-fund', '--offline', tarball], { cwd: directory });
  return new Project(directory);
}

class Project {
  constructor(directory) {
    this.directory = directory;
  }

  write(name, text) {
    writeFileSync(path.join(this.directory, name), text);
  }

  /** Runs a program in the project. What it prints; throws with what it printed when it fails. */
  async run(program, args, env = {}) {
    const options = { cwd: this.directory, env: { ...cleanEnvironment(), ...env }, timeout: 60_000, maxBuffer: 2 ** 24 };
    try {
      return (await execute(program, args, options)).stdout;
    } catch (error) {
      throw new Error(`${program} ${args.join(' ')}: ${error.code}\n${error.stdout}\n${error.stderr}`);
    }
  }
}

/** Gives the example its one dependency, as `make demo` does. */
export const installExample = () =>
  execute('make', ['examples/conversation/node_modules/dirtylemon'], { cwd: repository, env: cleanEnvironment() });
