import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kernel } from '../support/kernel-features.ts';
import { NetnsPair } from '../support/netns.ts';
import { capture } from '../support/tracer.ts';
import { ping } from '../support/traffic.ts';

const TRACEABLE = '/available_filter_functions';
const MODULE = 'nlmon';

let pair: NetnsPair;
let folder = '';
beforeAll(() => {
  pair = new NetnsPair();
  folder = mkdtempSync(join(tmpdir(), 'xcap-memory-'));
});
afterAll(() => {
  pair.dispose();
  rmSync(folder, { recursive: true, force: true });
});

function modprobe(...args: readonly string[]): void {
  const { status, stderr } = spawnSync('modprobe', args, { encoding: 'utf8' });
  expect(status, stderr).toBe(0);
}

/** Captures five pings at a function. @returns whether it was looked for among those that can be traced */
async function looks(): Promise<boolean> {
  const log = join(folder, 'opened');
  const witness = join(folder, 'witness.cjs');
  writeFileSync(log, '');
  writeFileSync(
    witness,
    `const fs = require('node:fs');
     const { openSync, appendFileSync } = fs;
     fs.openSync = (path, ...rest) => {
       appendFileSync(${JSON.stringify(log)}, path + '\\n');
       return openSync(path, ...rest);
     };`,
  );
  const { status, stderr, records, summaries } = await capture(
    ['--netns', pair.b.name, '--hook', 'ip_rcv', 'icmp[icmptype] == icmp-echo'],
    () => void ping(pair.a, pair.b.address4, 5),
    { XCAP_CACHE: join(folder, 'cache'), NODE_OPTIONS: `--require=${witness}` },
  );
  expect(status, stderr).toBe(0);
  expect(records.map(({ hook }) => hook)).toEqual(Array(5).fill('ip_rcv'));
  expect(summaries[0]).toMatchObject({ matched: 5, written: 5, lost: 0 });
  const opened = readFileSync(log, 'utf8').split('\n');
  expect(opened).not.toHaveLength(1);
  return opened.some((path) => path.endsWith(TRACEABLE));
}

describe.skipIf(!kernel.kprobe)('where a function is', () => {
  it('is looked for again when a module has come or gone, and when what was kept was harmed', async () => {
    modprobe('-r', MODULE);
    expect(await looks()).toBe(true);
    expect(await looks()).toBe(false);
    modprobe(MODULE);
    try {
      expect(await looks()).toBe(true);
    } finally {
      modprobe('-r', MODULE);
    }
    expect(await looks()).toBe(true);

    let harmed = 0;
    for (const name of readdirSync(join(folder, 'cache'))) {
      const path = join(folder, 'cache', name);
      const text = readFileSync(path, 'latin1');
      // Another function's address.
      const other = text.replace(/(?<="at":\["ffffffff)./, (digit) => (digit === '9' ? '8' : '9'));
      if (other === text) continue;
      writeFileSync(path, other, 'latin1');
      harmed++;
    }
    expect(harmed).toBe(1);
    expect(await looks()).toBe(true);
    expect(await looks()).toBe(false);
  });
});
