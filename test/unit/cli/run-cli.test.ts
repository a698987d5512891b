import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { runInProcess, type CliOutcome } from '../../support/cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'xcap-cli-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const xcap = (...args: string[]): Promise<CliOutcome> => runInProcess(args);

const hasTcpdump = spawnSync('tcpdump', ['--version']).status === 0;

describe.skipIf(!hasTcpdump)('runCli() with -d prints what tcpdump does', () => {
  test.each([
    [['-d', 'icmp']],
    [['-dd', 'port', '0x50']],
    [['-ddd', 'tcp[13]', '==', '2']],
    [['-d', 'not', 'icmp']],
    [['-d', '-s', '96', 'host 10.1.2.3']],
    [['-d', 'tcp[13] == -1']],
    [['-dO', 'icmp or arp']],
    [['-d', '-y', 'RAW', 'icmp']],
    [['-d', '-y', 'linux_sll2', 'ip6']],
    [['icmp', '-d', 'or', '-n', 'arp']],
    [['-d']],
    [['-d', '--', 'tcp[tcpflags] & tcp-syn != 0']],
  ])('%j', async (words) => {
    const theirs = execFileSync('tcpdump', words, { encoding: 'utf8', stdio: 'pipe' });
    expect(await xcap(...words)).toEqual({ status: 0, out: theirs, err: '' });
  });
});

describe('runCli()', () => {
  test('reads the expression from a file, comments left out', async () => {
    const path = join(folder, 'expression');
    writeFileSync(path, '# web\ntcp port 80 # or\n  or icmp\n');
    const fromFile = await xcap('-d', '-F', path, 'arp');
    expect(fromFile.out).toBe((await xcap('-d', 'tcp port 80 or icmp')).out);
    expect(fromFile.err).toBe('xcap: -F: the expression on the command line is ignored\n');
  });

  test.each(['read', 'doctor', 'completion'])(
    'says not yet to the sub-command %s',
    async (name) => {
      expect(await xcap(name, 'x')).toEqual({
        status: 1,
        out: '',
        err: `xcap: ${name}: not yet\n`,
      });
    },
  );

  test.each([
    [['-Q', 'in'], '-Q'],
    [['icmp', '-r', 'f'], '-r'],
    [['--max-rate=10/s'], '--max-rate'],
  ])('says not yet to %j', async (args, name) => {
    expect(await xcap(...args)).toEqual({ status: 1, out: '', err: `xcap: ${name}: not yet\n` });
  });

  test('shows where an expression is wrong', async () => {
    const { status, err } = await xcap('-d', 'icmp and and tcp');
    expect(status).toBe(2);
    expect(err.split('\n').slice(0, 3)).toEqual([
      "xcap: compiling the filter: can't parse filter expression: syntax error",
      '  icmp and and tcp',
      '           ^',
    ]);
  });

  test('takes the name of a sub-command for one in the first place only', async () => {
    expect((await xcap('-n', 'reasons')).err).toContain('reasons: a sub-command comes first');
    const expression = await xcap('-d', '--', 'filter');
    expect(expression.status).toBe(2);
    expect(expression.err).toContain('compiling the filter');
  });

  test('does not write binary to a terminal', async () => {
    const { status, err } = await xcap('-w', '-', 'icmp');
    expect(status).toBe(1);
    expect(err).toContain('writing pcapng: standard output: it is a terminal');
  });

  test('prints its version, and those of what it uses', async () => {
    const { status, out } = await xcap('--version', '--bogus');
    expect(status).toBe(0);
    expect(out).toMatch(/^xcap \d+\.\d+\.\d+\nlibpcap.*\nlibbcc.*\nNode\.js v\d+/);
  });

  test('lists devices', async () => {
    expect((await xcap('-D')).out).toMatch(/^1\..*\n(.*\n)*\d+\.any \(/);
  });

  test('filter prints the program, or its C', async () => {
    expect((await xcap('filter', 'icmp')).out).toBe((await xcap('-d', 'icmp')).out);
    expect((await xcap('filter', '-y', 'RAW', 'icmp')).out).toContain('(000) ldb      [0]\n');
    expect((await xcap('filter', '--emit', 'c', 'icmp')).out).toContain('u32 xcap_filter(');
    expect(await xcap('filter')).toMatchObject({ status: 1, out: '' });
  });

  test.each([['capture'], ['filter'], ['reasons']])('%s has a help of its own', async (name) => {
    const { status, out } = await xcap(...(name === 'capture' ? [] : [name]), '-h');
    expect(status).toBe(0);
    expect(out).toContain(name === 'capture' ? 'usage: xcap [options]' : `usage: xcap ${name}`);
  });
});
