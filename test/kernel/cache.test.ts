import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { NetnsPair } from '../support/netns.ts';
import { capture, type Captured } from '../support/tracer.ts';
import { ping } from '../support/traffic.ts';

const pairs: NetnsPair[] = [];
beforeAll(() => {
  for (let i = 0; i < 2; i++) {
    const pair = new NetnsPair();
    pair.b.iptables('-A', 'INPUT', '-p', 'icmp', '-j', 'DROP');
    pairs.push(pair);
  }
});
afterAll(() => {
  for (const pair of pairs) pair.dispose();
});

let folder = '';
let cache = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'xcap-cache-'));
  cache = join(folder, 'cache');
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Captures five dropped pings; every process of Node that takes part writes its script down. */
async function run(
  args: readonly string[] = [],
  directory = cache,
  pair = pairs[0]!,
): Promise<{ readonly compilers: number; readonly captured: Captured }> {
  const log = join(folder, 'processes');
  const witness = join(folder, 'witness.cjs');
  writeFileSync(log, '');
  writeFileSync(
    witness,
    `require('node:fs').appendFileSync(${JSON.stringify(log)}, process.argv[1] + '\\n');`,
  );
  const captured = await capture(
    ['--netns', pair.b.name, ...args, 'icmp'],
    () => void ping(pair.a, pair.b.address4, 5),
    { XCAP_CACHE: directory, NODE_OPTIONS: `--require=${witness}` },
  );
  const scripts = readFileSync(log, 'utf8').split('\n');
  expect(scripts.filter((script) => script.endsWith('main.cjs'))).toHaveLength(1);
  return { compilers: scripts.filter((script) => script.endsWith('compiler.js')).length, captured };
}

function expectPings({ captured }: { readonly captured: Captured }): void {
  expect(captured.status, captured.stderr).toBe(0);
  expect(captured.records).toHaveLength(5);
  expect(captured.summaries[0]).toMatchObject({ matched: 5, written: 5, lost: 0 });
}

function theEntry(): string {
  // Beside it there may be what was found out about the kernel.
  const paths = readdirSync(cache).map((name) => join(cache, name));
  const objects = paths.filter((path) => readFileSync(path, 'latin1').startsWith('xcap-object-'));
  expect(objects).toHaveLength(1);
  return objects[0] ?? '';
}

describe('the cache of compiled programs', () => {
  it('makes a second run start no compiler, in another namespace too', async () => {
    const first = await run();
    expectPings(first);
    expect(first.compilers).toBe(1);

    const second = await run();
    expectPings(second);
    expect(second.compilers).toBe(0);

    // The programs ask for the namespace's number, not for this one's.
    const other = await run([], cache, pairs[1]);
    expectPings(other);
    expect(other.compilers).toBe(0);

    const netns = [first, second, other].map(({ captured }) => captured.records[0]?.netns);
    expect(netns[0]).toBe(netns[1]);
    expect(netns[0]).not.toBe(netns[2]);
  });

  it('is not asked for another program', async () => {
    expectPings(await run());
    const other = await run(['-s', '64']);
    expectPings(other);
    expect(other.compilers).toBe(1);
  });

  it.each([
    [
      'truncated',
      (path: string) => {
        truncateSync(path, 1000);
      },
    ],
    [
      'corrupted',
      (path: string) => {
        const bytes = readFileSync(path);
        // In the middle of the instructions.
        const at = bytes.indexOf('"insns"') + 100;
        bytes[at] = bytes[at] === 0x41 ? 0x42 : 0x41;
        writeFileSync(path, bytes);
      },
    ],
    [
      'one that others may write',
      (path: string) => {
        chmodSync(path, 0o666);
      },
    ],
  ])('compiles anew for an entry that is %s', async (_how, harm) => {
    expectPings(await run());
    harm(theEntry());
    const again = await run();
    expectPings(again);
    expect(again.compilers).toBe(1);
    // And mends it.
    const third = await run();
    expectPings(third);
    expect(third.compilers).toBe(0);
  });

  it('is not used in a directory that others may look into; -v says so', async () => {
    expectPings(await run());
    chmodSync(cache, 0o755);
    const silent = await run();
    expect(silent.compilers).toBe(1);
    expect(silent.captured.stderr).not.toContain('cache');
    const { captured, compilers } = await run(['-v']);
    expect(compilers).toBe(1);
    expect(captured.stderr).toContain(
      `xcap: no cache of compiled programs: ${cache}: mode 755, not 700`,
    );
  });

  it('can be left alone', async () => {
    expectPings(await run());
    const off = await run([], 'off');
    expectPings(off);
    expect(off.compilers).toBe(1);
  });
});
