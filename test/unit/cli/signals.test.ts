import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import ts from 'typescript';

/** The real handlers in a process of their own, which says what they do and lives until abort. */
const PROGRAM = `
import { watchSignals } from './cli/signals.js';
import { createLogger } from './log.js';
const { abort, onSummaryRequest } = watchSignals(createLogger(2), () => process.exit(0));
onSummaryRequest(() => console.log('summary'));
abort.addEventListener('abort', () => {
  console.log('abort ' + abort.reason);
  if (process.argv[2] !== 'slow') setTimeout(() => process.exit(0), 300);
});
setInterval(() => {}, 1000);
console.log('ready');
`;

let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'xcap-signals-'));
  mkdirSync(join(folder, 'cli'));
  for (const name of ['cli/signals', 'log']) {
    const source = readFileSync(join(import.meta.dirname, `../../../src/${name}.ts`), 'utf8');
    const { outputText } = ts.transpileModule(source, {
      compilerOptions: {
        module: ts.ModuleKind.ESNext,
        target: ts.ScriptTarget.ES2023,
        verbatimModuleSyntax: true,
      },
    });
    writeFileSync(join(folder, `${name}.js`), outputText);
  }
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  writeFileSync(join(folder, 'program.js'), PROGRAM);
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

interface Outcome {
  readonly out: string;
  readonly err: string;
  readonly status: number | null;
}

/** Starts the program by a shell command and sends it signals, each after the output named. */
function run(start: string, steps: readonly [after: string, signal: NodeJS.Signals][]) {
  return new Promise<Outcome>((resolve) => {
    const child = spawn('sh', ['-c', start, process.execPath, join(folder, 'program.js')]);
    const waiting = [...steps];
    let out = '';
    let err = '';
    child.stderr.on('data', (data: Buffer) => (err += data.toString()));
    child.stdout.on('data', (data: Buffer) => {
      out += data.toString();
      const [next] = waiting;
      if (next === undefined || !out.includes(next[0])) return;
      waiting.shift();
      child.kill(next[1]);
      // The handlers take signals that follow each other at once for one.
      for (const [, signal] of waiting.splice(0)) setTimeout(() => child.kill(signal), 400);
    });
    child.on('close', (status) => {
      resolve({ out, err, status });
    });
  });
}

const EXEC = 'exec "$0" "$@"';

describe('watchSignals()', () => {
  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('aborts at %s', async (signal) => {
    const { out, status } = await run(EXEC, [['ready', signal]]);
    expect(out).toContain(`abort ${signal}`);
    expect(status).toBe(0);
  });

  test('aborts at SIGINT also when it was inherited as ignored', async () => {
    const { out } = await run(`trap "" INT; ${EXEC}`, [['ready', 'SIGINT']]);
    expect(out).toContain('abort SIGINT');
  });

  test('gives a summary at SIGUSR1 instead of opening the debugger', async () => {
    const { out, err } = await run(EXEC, [
      ['ready', 'SIGUSR1'],
      ['summary', 'SIGTERM'],
    ]);
    expect(out).toContain('ready\nsummary\n');
    expect(err).not.toContain('Debugger');
  });

  test('leaves at once at a second SIGINT, and says so', async () => {
    const { err, status } = await run(`${EXEC} slow`, [
      ['ready', 'SIGINT'],
      ['', 'SIGINT'],
    ]);
    expect(err).toContain('xcap: SIGINT again: leaving at once');
    expect(status).toBe(0);
  });
});
