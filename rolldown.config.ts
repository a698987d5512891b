import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig, type Plugin, type RolldownOptions } from 'rolldown';

/**
 * One file for each process, the tracer's and its compiler's (src/compile/compiler.ts starts that): every module of its own costs
 * a start some 0.3 ms (docs/performance.md). Imports that wait until they are wanted still do.
 */
const bundle = (
  input: string,
  entryFileNames: string,
  plugins: Plugin[] = [],
): RolldownOptions => ({
  input,
  plugins,
  platform: 'node',
  // Node 20 has no `using`.
  transform: { target: 'es2023' },
  // They stay what npm installs.
  external: ['koffi', 'yargs'],
  output: {
    ...{ dir: 'dist', entryFileNames, codeSplitting: false },
    format: entryFileNames.endsWith('.cjs') ? 'cjs' : 'es',
  },
});

/**
 * V8's code of what a capture comes by before it attaches: see src/launch.ts, which has to be built by then. A run that
 * fails has come by less. V8 tells an older text's code by the text's length only: none may stay.
 */
const keepCode: Plugin = {
  name: 'keep-code',
  writeBundle({ dir = 'dist' }) {
    const run = ['--max-semi-space-size=2', join(dir, 'main.cjs'), '--dry-run', 'icmp'];
    const env = { ...process.env, XCAP_SAVE_CODE: '1' };
    const code = join(dir, 'tracer.code');
    rmSync(code, { force: true });
    const { error } = spawnSync(process.execPath, run, { env, stdio: 'ignore', timeout: 60_000 });
    if (error !== undefined) throw error;
    if (!existsSync(code)) throw new Error(`${run.join(' ')}: made no ${code}`);
  },
};

export default defineConfig([
  bundle('src/launch.ts', 'main.cjs'),
  bundle('src/main.ts', 'tracer.cjs', [keepCode]),
  bundle('src/compile/child.ts', 'compiler.js'),
]);
