import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkout } from '../support/guest.ts';

/** Says whether V8 takes tracer.code for the text that main.cjs makes of tracer.cjs. */
const ASK = `
const vm = require('node:vm');
const { Script } = vm;
vm.Script = class extends Script {
  constructor(text, options) {
    super(text, options);
    process.stderr.write(String(this.cachedDataRejected));
  }
};
require(process.argv[1]);
`;

it('is started with the flags that its code was made with: V8 takes it with no others', () => {
  const read = (name: string): string => readFileSync(join(checkout, name), 'utf8');
  const flags = ['src/launch.ts', 'scripts/xcap', 'rolldown.config.ts'].map(
    (name) => /--max-semi-space-size=\d+/.exec(read(name))?.[0],
  );
  expect(flags[0]).toBeDefined();
  expect(new Set(flags).size).toBe(1);
});

describe('the built program', () => {
  let folder: string;
  let main: string;
  let code: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'xcap-launch-'));
    mkdirSync(join(folder, 'dist'));
    for (const name of ['dist/main.cjs', 'dist/tracer.cjs', 'package.json']) {
      cpSync(join(checkout, name), join(folder, name));
    }
    symlinkSync(join(checkout, 'node_modules'), join(folder, 'node_modules'));
    main = join(folder, 'dist/main.cjs');
    code = join(folder, 'dist/tracer.code');
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  const help = (): string => execFileSync(process.execPath, [main, '--help']).toString();
  const taken = (): string =>
    spawnSync(process.execPath, ['-e', ASK, main, '--help']).stderr.toString();

  it('starts without code of V8, and is asked to keep what it came by', () => {
    expect(taken()).toBe('undefined');
    execFileSync(process.execPath, [main, '--help'], {
      env: { ...process.env, XCAP_SAVE_CODE: '1' },
      stdio: 'ignore',
    });
    expect(statSync(code).size).toBeGreaterThan(10_000);
  });

  it('starts from that code', () => {
    expect(taken()).toBe('false');
    expect(help()).toMatch(/^usage: xcap/);
  });

  it('does not run code that is damaged, or of other flags', () => {
    const bytes = readFileSync(code);
    const other = [process.execPath, '--no-lazy', '-e', ASK, main, '--help'] as const;
    expect(spawnSync(other[0], other.slice(1)).stderr.toString()).toBe('true');
    writeFileSync(code, bytes.subarray(0, bytes.length >> 1));
    expect(taken()).toBe('true');
    expect(help()).toMatch(/^usage: xcap/);
    writeFileSync(code, '');
    expect(help()).toMatch(/^usage: xcap/);
  });
});
