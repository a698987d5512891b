import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { isCompiledIn, optionsOf } from '../../../src/cli/options.ts';
import { spelling, takesArgument } from '../../../src/cli/option-spec.ts';
import { runInProcess } from '../../support/cli.ts';
import { recordedKernel } from '../../support/kernels.ts';

const folder = mkdtempSync(join(tmpdir(), 'xcap-build-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});
const types = join(folder, 'vmlinux.btf');
writeFileSync(types, recordedKernel('6.12').readFile('/sys/kernel/btf/vmlinux') ?? '');

/** Status and standard error: nothing is ever printed. */
async function xcap(...args: string[]): Promise<readonly [status: number, lines: string[]]> {
  const { status, out, err } = await runInProcess(args);
  expect(out).toBe('');
  return [status, err.trimEnd().split('\n')];
}

describe('xcap build refuses', () => {
  const out = ['-o', join(folder, 'x.xcap')];
  it.each<[string, readonly string[], number, string]>([
    ['to write nowhere', ['icmp'], 1, 'build: -o is missing'],
    ['a terminal', ['icmp', '-o', '-'], 1, 'standard output: it is a terminal'],
    ['types without a release', ['--btf', types, ...out], 1, 'build: --release is missing'],
    ['a release without types', ['--release', '6.12', ...out], 1, 'build: --btf is missing'],
    ['what is no release', ['--btf', types, '--release', 'x', ...out], 1, 'no release of a kernel'],
    [
      'types that are not there',
      ['--btf', join(folder, 'none'), '--release', '6.12', ...out],
      1,
      '/none: ENOENT: no such file or directory',
    ],
    [
      'what are no types',
      ['--btf', new URL(import.meta.url).pathname, '--release', '6.12', ...out],
      1,
      "reading the kernel's types: --btf ",
    ],
    [
      'hooks on what is loaded there',
      ['--btf', types, '--release', '6.12', '--hook', 'xdp:eth0', ...out],
      4,
      'building for 6.12: xdp:eth0@entry: what is loaded there is not known here',
    ],
    ['a device by number', ['-i', '1', ...out], 1, '-i: 1: a number of -D means a device of this'],
    ['what a run chooses', ['-w', 'x.pcapng', ...out], 1, '-w: no such option'],
    ['what a run chooses', ['--json', ...out], 1, '--json: no such option'],
  ])('%s: %j', async (_what, args, code, message) => {
    const [status, lines] = await xcap('build', ...args);
    expect([status, lines[0]]).toEqual([code, expect.stringContaining(message) as string]);
    expect(lines.slice(1).every((line) => line.startsWith('  '))).toBe(true);
  });
});

describe('xcap --run refuses', () => {
  const compiledIn = optionsOf('capture').filter(isCompiledIn);

  it('every option that is compiled in, and says to build again', async () => {
    expect(compiledIn.length).toBeGreaterThan(15);
    for (const option of compiledIn) {
      const words = [
        spelling(option),
        ...(takesArgument(option) ? [option.choices?.[0] ?? '1'] : []),
      ];
      const [status, lines] = await xcap('--run', 'x.xcap', ...words);
      expect([status, lines]).toEqual([
        1,
        [
          `xcap: running x.xcap: ${spelling(option)}: it is compiled in when it is built`,
          '  build it again with that: xcap build ... -o FILE',
        ],
      ]);
    }
  });

  it('an expression', async () => {
    const [status, [line]] = await xcap('--run', 'x.xcap', 'tcp', 'port', '80');
    expect(status).toBe(1);
    expect(line).toContain('tcp port 80: the expression is compiled in when it is built');
  });

  it.each([['--dry-run'], ['-d'], ['-D']])('%s beside it', async (option) => {
    const [status, [line]] = await xcap('--run', 'x.xcap', option);
    expect([status, line]).toEqual([1, expect.stringContaining('not together') as string]);
  });

  it('a choice between one device and all', async () => {
    const [status, [line]] = await xcap('--run', 'x.xcap', '-i', 'any');
    expect([status, line]).toEqual([1, expect.stringContaining('-i any') as string]);
  });

  it.each<[string, string, number, RegExp]>([
    ['is not there', join(folder, 'none'), 1, /\/none: ENOENT: no such file or directory$/],
    ['is a directory', folder, 5, /: not a regular file$/],
    ['is a device', '/dev/zero', 5, /: not a regular file$/],
    ['is something else', types, 5, /: not made by xcap build, or damaged at its beginning$/],
  ])('a file that %s', async (_what, path, code, message) => {
    const [status, lines] = await xcap('--run', path);
    expect([status, lines[0]]).toEqual([code, expect.stringMatching(message) as string]);
  });
});

describe('xcap build has', () => {
  it('the options of a capture that are compiled in, and those that the run may choose again', () => {
    const names = optionsOf('build').map(spelling);
    for (const option of optionsOf('capture').filter(isCompiledIn)) {
      expect(names).toContain(spelling(option));
    }
    expect(names).toEqual(
      expect.arrayContaining(['--netns', '--pid', '--tid', '--interface', '--output', '--btf']),
    );
    expect(names).not.toContain('--duration');
  });
});
