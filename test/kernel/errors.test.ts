import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NetnsPair } from '../support/netns.ts';
import { runXcap, type Outcome } from '../support/tracer.ts';

let pair: NetnsPair;
beforeAll(() => {
  pair = new NetnsPair();
});
afterAll(() => {
  pair.dispose();
});

const checkout = join(import.meta.dirname, '../..');
const program = join(checkout, 'dist/main.cjs');

/** In a mount namespace of its own, where `prepare` hides something; as root. */
function without(prepare: string, args: readonly string[]): Promise<Outcome> {
  const script = `${prepare}; exec "$@"`;
  return runXcap(
    ['--mount', '--', 'sh', '-euc', script, 'sh', process.execPath, program, ...args],
    'unshare',
  );
}

function library(name: string): string {
  for (const directory of ['/usr/lib/x86_64-linux-gnu', '/lib/x86_64-linux-gnu']) {
    const path = join(directory, name);
    if (existsSync(path)) return realpathSync(path);
  }
  throw new Error(`no ${name}`);
}

/** One line that says what, one that says what to do, nothing on standard output. */
function expectError({ status, stdout, stderr }: Outcome, code: number, message: RegExp): void {
  expect(status, stderr).toBe(code);
  expect(stdout).toBe('');
  const lines = stderr.trimEnd().split('\n');
  expect(lines[0]).toMatch(message);
  expect(lines.length).toBeGreaterThanOrEqual(2);
  expect(lines.slice(1).every((line) => line.startsWith('  '))).toBe(true);
}

describe('a wrong command line', () => {
  it.each([
    ['an unknown hook', ['--hook', 'dorp'], 1, /^xcap: choosing hooks: dorp: no such hook$/],
    [
      'an unknown reason',
      ['--reason', 'NOSUCH'],
      undefined,
      /^xcap: choosing drop reasons: NOSUCH/,
    ],
    ['an unknown namespace', ['--netns', 'nosuch'], 1, /^xcap: choosing namespaces: nosuch: /],
    ['an unknown device', ['-i', 'nosuch0'], 1, /^xcap: choosing a device: nosuch0: /],
    ['an unknown option', ['--nosuch'], 1, /^xcap: .*--nosuch: no such option$/],
    ['a bad number', ['-c', 'x'], 1, /^xcap: /],
  ] as const)('%s', async (_name, args, code, message) => {
    const outcome = await runXcap(args);
    // A kernel without reasons says so: 4.
    expectError(
      outcome,
      code ?? (outcome.stderr.includes('this kernel has none') ? 4 : 1),
      message,
    );
  });

  it('a bad expression is shown with the place', async () => {
    const outcome = await runXcap(['tcp and and port 80']);
    expectError(outcome, 2, /^xcap: compiling the filter: /);
    const lines = outcome.stderr.split('\n');
    expect(lines[1]).toBe('  tcp and and port 80');
    expect(lines[2]).toBe('          ^');
  });

  // No kernel is asked: not in an emulated guest, where each takes seconds.
  it.skipIf(process.env['XCAP_GUEST']).each(['-r', '--max-rate'])(
    '%s is not built yet and says so',
    async (option) => {
      const { status, stderr } = await runXcap([option, '1']);
      expect(status).toBe(1);
      expect(stderr).toMatch(/^xcap: \S+: not yet\n/);
    },
  );
});

describe('what is missing', () => {
  it('root', async () => {
    const args = ['--clear-groups', '--reuid', '65534', '--regid', '65534'];
    const copy = mkdtempSync(join(tmpdir(), 'xcap-errors-'));
    try {
      // Where the checkout lies, another user may not look.
      copyTool(copy);
      expect(spawnSync('chmod', ['-R', 'a+rX', copy]).status).toBe(0);
      const outcome = await runXcap(
        [...args, process.execPath, join(copy, 'dist/main.cjs'), 'icmp'],
        'setpriv',
      );
      expectError(outcome, 3, /^xcap: tracing packets: .*not permitted$/);
    } finally {
      rmSync(copy, { recursive: true, force: true });
    }
  });

  it('BTF', async () => {
    const outcome = await without('mount -t tmpfs none /sys/kernel/btf', ['icmp']);
    expectError(outcome, 4, /^xcap: reading the kernel's types: .*no such file/);
  });

  it.each([
    ['libbcc.so.0', /^xcap: compiling the BPF program: loading libbcc\.so\.0: /],
    ['libpcap.so.0.8', /^xcap: compiling the filter.*: loading libpcap/],
  ])('%s', async (name, message) => {
    const outcome = await without(`mount --bind /dev/null ${library(name)}`, ['icmp']);
    expectError(outcome, 4, message);
    expect(outcome.stderr).toContain('apt-get install');
  });

  it('a directory to write to', async () => {
    const outcome = await runXcap(['-w', '/nosuch/x.pcapng', '--netns', pair.b.name, 'icmp']);
    expectError(outcome, 5, /^xcap: writing: \/nosuch\/x\.pcapng: ENOENT/);
  });
});

/** The tool as npm would install it. */
function copyTool(to: string): void {
  for (const name of ['dist', 'templates', 'package.json']) {
    cpSync(join(checkout, name), join(to, name), { recursive: true });
  }
  mkdirSync(join(to, 'node_modules'));
  for (const name of ['koffi', '@koromix', 'yargs', 'yargs-parser']) {
    cpSync(join(checkout, 'node_modules', name), join(to, 'node_modules', name), {
      recursive: true,
    });
  }
}

describe('a checkout that only root may enter', () => {
  let home: string;
  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), 'xcap-home-'));
    copyTool(home);
  });
  afterAll(() => {
    rmSync(home, { recursive: true, force: true });
  });

  it('traces: the compiler reads its headers before it gives up root', async () => {
    const { status, stderr } = await runXcap(
      [join(home, 'dist/main.cjs'), '--netns', pair.b.name, '--duration', '100ms', 'tcp port 1'],
      process.execPath,
      { XCAP_CACHE: 'off' },
    );
    expect(status, stderr).toBe(0);
    expect(stderr).toContain('xcap: tracing packet drops');
  });
});
