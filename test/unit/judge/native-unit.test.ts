import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import koffi from 'koffi';
import { describe, expect, test } from 'vitest';
import { openLibpcap } from '../../../src/ffi/libpcap.ts';
import { compileFilter } from '../../../src/filter/compiler.ts';
import { nativeUnit } from '../../../src/judge/native-unit.ts';
import { packetsOf } from '../../support/judges/packets.ts';
import { type TableEntry, tableEntries } from '../../support/judges/table.ts';

const WARNINGS = ['-Wall', '-Wextra', '-Werror'];
const pcap = openLibpcap();
const units = tableEntries()
  // Some of every kind: compiling all would take minutes.
  .filter((_, i) => i % 61 === 0)
  .map((entry) => ({
    entry,
    text: nativeUnit(compileFilter(entry.program, { symbol: 'xcap_filter' })),
  }));

const isThere = (compiler: string): boolean => {
  try {
    execFileSync(compiler, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

type Match = (bytes: Uint8Array, captured: number, wire: number) => number;

function withFolder<T>(use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'xcap-unit-'));
  try {
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The units one by one, as users would compile them, in one library under names of their own. */
function compileAll(compiler: string, flags: readonly string[]): readonly Match[] {
  return withFolder((folder) => {
    const sources = units.map(({ text }, i) => {
      const source = join(folder, `unit${i}.c`);
      writeFileSync(source, text.replaceAll('xcap_match', `xcap_match_${i}`));
      return source;
    });
    const library = join(folder, 'units.so');
    execFileSync(compiler, ['-shared', '-fPIC', ...flags, ...WARNINGS, '-o', library, ...sources], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const loaded = koffi.load(library);
    return units.map(
      (_, i) =>
        loaded.func(
          `int xcap_match_${i}(const void *bytes, unsigned int captured, unsigned int wire)`,
        ) as unknown as Match,
    );
  });
}

function differences(entry: TableEntry, match: Match): string[] {
  const different: string[] = [];
  for (const { name, bytes } of packetsOf(entry.linkType)) {
    for (let cut = bytes.length; cut >= 0; cut -= cut > 120 ? 97 : 7) {
      // Exactly these bytes: what lies behind is another allocation's.
      const packet = cut === 0 ? new Uint8Array(1) : bytes.slice(0, cut);
      const expected = pcap.evaluate(entry.program, bytes.subarray(0, cut), bytes.length);
      if (match(packet, cut, bytes.length) !== (expected === 0 ? 0 : 1)) {
        different.push(`${entry.name}: ${name} cut to ${cut}`);
      }
    }
  }
  return different;
}

const compilers = ['gcc', 'clang'].filter(isThere);

describe.skipIf(compilers.length === 0)('nativeUnit() (needs gcc or clang)', () => {
  test.each(compilers.map((name) => [name, name === 'gcc' ? '-O2' : '-O0'] as const))(
    'makes units that %s %s compiles without a warning and that agree with libpcap',
    (compiler, optimisation) => {
      const matches = compileAll(compiler, [optimisation]);
      const apart = /<<|>>|len - 50|udp\[4:2\] - 1|ip\[2:2\] - 1|ip\[8\] - 6/;
      const different = units.flatMap(({ entry }, i) =>
        // Where Linux and libpcap part: KERNEL_ONLY of expressions.ts.
        apart.test(entry.name) ? [] : differences(entry, matches[i]!),
      );
      expect(different.slice(0, 10)).toEqual([]);
    },
    120_000,
  );

  test('makes units that -std=c99 -pedantic takes, too', () => {
    withFolder((folder) => {
      const source = join(folder, 'unit.c');
      for (const { text } of units.slice(0, 5)) {
        writeFileSync(source, text);
        const flags = ['-std=c99', '-pedantic', '-c', ...WARNINGS, '-o', join(folder, 'unit.o')];
        execFileSync(compilers[0] ?? '', [...flags, source]);
      }
    });
  });
});

test('nativeUnit() names the function that its first comment documents', () => {
  const [{ text } = { text: '' }] = units;
  expect(text).toMatch(/^\/\* SPDX/);
  const prototype = 'int xcap_match(const unsigned char *bytes, unsigned captured, unsigned wire)';
  expect(text.split(prototype)).toHaveLength(4);
});
