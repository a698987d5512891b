import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { JsonSink, wholeLinesLength } from '../../src/output/json.ts';
import { PcapSink, wholeRecordsLength } from '../../src/output/pcap.ts';
import { wholeBlocksLength } from '../../src/output/pcapng/blocks.ts';
import { PcapngSink } from '../../src/output/pcapng/writer.ts';
import { openOutput } from '../../src/output/stream.ts';
import type { OutputStream } from '../../src/output/stream.ts';
import type { Sink } from '../../src/output/sink.ts';
import { icmpFrame, sampleRecord } from '../unit/output/samples.ts';

const root = process.getuid?.() === 0;
let directory = '';
let mounted = false;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'xcap-full-'));
  if (!root) return;
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'xcap-full', directory]);
  mounted = true;
});
afterEach(() => {
  if (mounted) execFileSync('umount', [directory]);
  mounted = false;
  rmSync(directory, { recursive: true });
});

/** Writes packets of many lengths, as a run does, until the file system is full. */
async function fill(stream: OutputStream, sink: Sink): Promise<void> {
  for (let count = 0; stream.error === undefined && count < 100_000; count += 1) {
    sink.write(sampleRecord({ data: icmpFrame(count % 1400) }));
    if (count % 100 === 0) await sink.flush();
  }
  await sink.close([]);
}

const forms = {
  pcapng: {
    wholeLength: wholeBlocksLength,
    open: (stream) => new PcapngSink(stream, { snaplen: 0, application: 'xcap' }),
  },
  pcap: { wholeLength: wholeRecordsLength, open: (stream) => new PcapSink(stream, { snaplen: 0 }) },
  json: { wholeLength: wholeLinesLength, open: (stream) => new JsonSink(stream, { snaplen: 0 }) },
} satisfies Record<
  string,
  { wholeLength: (bytes: Uint8Array) => number; open: (stream: OutputStream) => Sink }
>;

/** The number of packets that another program reads in the file without a complaint. */
function countPackets(form: keyof typeof forms, path: string): number {
  if (form === 'json') {
    const lines = readFileSync(path, 'latin1').split('\n');
    expect(lines.pop()).toBe('');
    for (const line of lines) JSON.parse(line);
    return lines.length;
  }
  return execFileSync('tshark', ['-r', path, '-T', 'fields', '-e', 'frame.number'], {
    encoding: 'latin1',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
    .trimEnd()
    .split('\n').length;
}

for (const form of ['pcapng', 'pcap', 'json'] as const) {
  test.skipIf(!root)(`a ${form} file on a full disk ends with its last whole packet`, async () => {
    const path = join(directory, `out.${form}`);
    const { wholeLength, open } = forms[form];
    const stream = await openOutput({ path }, { binary: true, wholeLength });
    await fill(stream, open(stream));
    expect(stream.error).toMatchObject({ code: 'ENOSPC', exitCode: 5 });
    expect(stream.undeliveredBytes).toBeGreaterThan(0);
    const size = statSync(path).size;
    // Nothing but the torn packet is missing from what fits.
    expect(size).toBeGreaterThan(2 ** 20 - 4096);
    expect(size).toBeLessThan(2 ** 20);
    expect(countPackets(form, path)).toBeGreaterThan(300);
  });
}

test.skipIf(!root)('what others wrote before is kept when an inherited file is cut', async () => {
  const path = join(directory, 'log');
  writeFileSync(path, 'before\n');
  const fd = openSync(path, 'a');
  const stream = await openOutput(
    { fd, name: 'standard output' },
    { binary: true, wholeLength: wholeLinesLength },
  );
  await fill(stream, new JsonSink(stream, { snaplen: 0 }));
  closeSync(fd);
  expect(stream.error?.code).toBe('ENOSPC');
  const text = readFileSync(path, 'latin1');
  expect(text.startsWith('before\n{"schema":1,')).toBe(true);
  expect(text.endsWith('"}\n')).toBe(true);
});
