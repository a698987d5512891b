import { defineConfig, type RolldownOptions } from 'rolldown';

/**
 * One file for each process, the tracer's and its compiler's (src/compile/compiler.ts starts that): every module of its own costs
 * a start some 0.3 ms (docs/performance.md). Imports that wait until they are wanted still do.
 */
const bundle = (input: string, entryFileNames: string): RolldownOptions => ({
  input,
  platform: 'node',
  // Node 20 has no `using`.
  transform: { target: 'es2023' },
  // They stay what npm installs.
  external: ['koffi', 'yargs'],
  output: { dir: 'dist', entryFileNames, codeSplitting: false },
});

export default defineConfig([
  bundle('src/main.ts', 'main.js'),
  bundle('src/compile/child.ts', 'compiler.js'),
]);
