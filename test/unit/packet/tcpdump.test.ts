import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, describe, expect, test } from 'vitest';

import { hexdump } from '../../../src/output/hexdump.ts';
import type { HexMode } from '../../../src/output/hexdump.ts';
import { summarizePacket } from '../../../src/packet/summary.ts';
import { SequenceTable } from '../../../src/packet/tcp-sequences.ts';
import { pcapFile } from '../../support/packets.ts';
import { PACKET_CASES, RAW_CASES } from './packet-cases.ts';
import type { PacketCase } from './packet-cases.ts';

/**
 * The judge of the packet text is tcpdump itself. Beyond the cases that say why they differ:
 * - what tcpdump dumps as hex below a packet that it cannot read, without being asked, is left out
 *   with the `: ` before it;
 * - tcpdump closes the options of some cut TCP headers with `>`;
 * - tcpdump -x forgets to leave out the link header of some cut packets.
 */
const asked = spawnSync('tcpdump', ['--version'], { encoding: 'utf8' });
const version = /tcpdump version (4\.99\.\d+)/.exec(`${asked.stdout}${asked.stderr}`)?.[1];

const directory = mkdtempSync(join(tmpdir(), 'xcap-tcpdump-'));
afterAll(() => {
  rmSync(directory, { recursive: true });
});

type Link = 'ethernet' | 'raw';

/** Flags of tcpdump as one string, so that test titles can show them. */
const FLAGS = ['', '-v', '-vv', '-e', '-e -v', '-q', '-q -e', '-S'];

/** tcpdump's text of each packet, its continuation lines included. */
function tcpdump(cases: readonly PacketCase[], link: Link, flags: string): string[] {
  const file = join(directory, 'packets.pcap');
  writeFileSync(file, pcapFile(cases, link));
  const args = ['-n', '-t', '--number', '-r', file, ...flags.split(' ').filter(Boolean)];
  const result = spawnSync('tcpdump', args, { encoding: 'latin1', maxBuffer: 1 << 28 });
  expect(result.status).toBe(0);
  const texts: string[] = [];
  for (const line of result.stdout.slice(0, -1).split('\n')) {
    const start = /^ *(\d+) {2}(.*)$/.exec(line);
    if (start !== null && Number(start[1]) === texts.length + 1) texts.push(start[2]!);
    else texts.push(`${texts.pop()!}\n${line}`);
  }
  return texts;
}

function ours(cases: readonly PacketCase[], link: Link, flags: string, hex?: HexMode): string[] {
  const sequences = new SequenceTable();
  return cases.map(({ data, wireLength }) => {
    const { text, linkHeaderLength } = summarizePacket(data, {
      linkType: link,
      wireLength: wireLength ?? data.length,
      link: flags.includes('-e'),
      verbose: /-(v+)/.exec(flags)?.[1]?.length ?? 0,
      quiet: flags.includes('-q'),
      absoluteSequence: flags.includes('-S'),
      sequences,
    });
    return hex === undefined ? text : text + hexdump(hex, data, linkHeaderLength);
  });
}

function withoutDump(text: string): string {
  return text
    .replaceAll(/\n\t\s*0x[0-9a-f]{4}:[^\n]*/g, '')
    .replace(/[ :,]+$/, '')
    .replace('[|tcp]>', '[|tcp]');
}

/** The texts under the names of their cases, without the cases that differ on purpose. */
function comparable(
  cases: readonly PacketCase[],
  texts: readonly string[],
  flags: string,
): string[] {
  return cases.flatMap(({ name, differs, differsWith }, i) =>
    differs === undefined || (differsWith !== undefined && !flags.includes(differsWith))
      ? [`${name}\n    ${withoutDump(texts[i]!)}`]
      : [],
  );
}

function everyCut(cases: readonly PacketCase[]): PacketCase[] {
  return cases.flatMap((whole) =>
    Array.from({ length: Math.max(0, whole.data.length - 1) }, (_, i) => ({
      ...whole,
      name: `${whole.name}, cut after ${i + 1} of ${whole.data.length} bytes`,
      data: whole.data.subarray(0, i + 1),
      wireLength: whole.wireLength ?? whole.data.length,
    })),
  );
}

describe.skipIf(version === undefined)(`against tcpdump ${version ?? ''}`, () => {
  test.each(FLAGS)('summarize() says what tcpdump -n %s says', (flags) => {
    const theirs = tcpdump(PACKET_CASES, 'ethernet', flags);
    expect(comparable(PACKET_CASES, ours(PACKET_CASES, 'ethernet', flags), flags)).toEqual(
      comparable(PACKET_CASES, theirs, flags),
    );
  });

  test.each(FLAGS)('summarize() agrees on packets without a link header, %s', (flags) => {
    expect(comparable(RAW_CASES, ours(RAW_CASES, 'raw', flags), flags)).toEqual(
      comparable(RAW_CASES, tcpdump(RAW_CASES, 'raw', flags), flags),
    );
  });

  test.each(['', '-v', '-q', '-e'])('summarize() agrees on packets of every cut, %s', (flags) => {
    const cut = everyCut(PACKET_CASES);
    const mine = comparable(cut, ours(cut, 'ethernet', flags), flags);
    const theirs = comparable(cut, tcpdump(cut, 'ethernet', flags), flags);
    expect(mine.length).toBeGreaterThan(5000);
    expect(mine.filter((text, i) => text !== theirs[i])).toEqual([]);
  });

  test('the cases that are listed as different do differ', () => {
    const listed = PACKET_CASES.filter(({ differs }) => differs !== undefined);
    const same = listed.flatMap((one) => {
      const flags = one.differsWith ?? '';
      const [theirs] = tcpdump([one], 'ethernet', flags);
      return theirs === ours([one], 'ethernet', flags)[0] ? [one.name] : [];
    });
    expect(same).toEqual([]);
  });

  test.each(['x', 'xx', 'X', 'XX', 'A', 'AA'] as const)('hexdump() prints as -%s does', (mode) => {
    // Cut in the IP header, tcpdump -x takes the link header for payload.
    const cases = PACKET_CASES.filter(
      ({ name, differs, data }) =>
        differs === undefined && data.length >= 14 && name !== 'ethernet header alone',
    );
    const theirs = tcpdump(cases, 'ethernet', `-${mode}`).map((text) => {
      // With -A tcpdump still dumps as hex what it cannot read.
      const once = mode.startsWith('A') ? text.replaceAll(/\n\t0x[0-9a-f]{4}:.*/g, '') : text;
      return once.replace(/: ($|\n)/, '$1');
    });
    expect(ours(cases, 'ethernet', '', mode)).toEqual(theirs);
  });
});
