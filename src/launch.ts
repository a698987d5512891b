#!/usr/bin/env -S MALLOC_ARENA_MAX=1 node --max-semi-space-size=2
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Script } from 'node:vm';

/**
 * What is started: runs the tracer (src/main.ts, as one CommonJS file) from the code that V8 made of it when it was built.
 * Another version of V8, or other flags, do not take that code: then it is compiled from the text, as any program is, and
 * a start takes a quarter longer.
 *
 * XCAP_SAVE_CODE=1, of the build (rolldown.config.ts): writes the code of what this run came by.
 */
const program = join(import.meta.dirname, 'tracer.cjs');
const code = join(import.meta.dirname, 'tracer.code');

function readCode(): Buffer | undefined {
  try {
    return readFileSync(code);
  } catch {
    return undefined;
  }
}

const saves = process.env['XCAP_SAVE_CODE'] === '1';
const script = new Script(
  `(function (require, launchImport, __filename, __dirname, exports) {${readFileSync(program, 'utf8')}\n})`,
  { filename: program, cachedData: saves ? undefined : readCode() },
);
if (saves) {
  process.once('exit', () => {
    writeFileSync(code, script.createCachedData());
  });
}
type Run = (
  require: NodeJS.Require,
  launchImport: (name: string) => Promise<unknown>,
  filename: string,
  dirname: string,
  exports: object,
) => void;
const run = script.runInThisContext() as Run;
run(createRequire(program), (name) => import(name), program, import.meta.dirname, {});
