import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { COMMENT_KEYS } from '../../../src/output/comment.ts';
import { PcapngSink } from '../../../src/output/pcapng/writer.ts';
import { judge, MemoryStream, rawRecord, sampleRecord } from './samples.ts';

const PLUGIN = `lua_script:${fileURLToPath(new URL('../../../docs/xcap.lua', import.meta.url))}`;

async function capture(...records: Parameters<PcapngSink['write']>[0][]): Promise<Buffer> {
  const stream = new MemoryStream();
  const sink = new PcapngSink(stream, { snaplen: 0, application: 'xcap' });
  for (const record of records) sink.write(record);
  await sink.close([]);
  return stream.bytes;
}

function tshark(bytes: Buffer, ...words: string[]): string {
  return judge(bytes, 'tshark', '-X', PLUGIN, '-r', 'FILE', ...words);
}

test('xcap.lua gives every word of a comment as a field', async () => {
  const bytes = await capture(rawRecord({ mark: 0xffffffff }));
  const keys = Object.keys(COMMENT_KEYS);
  const text = tshark(bytes, '-T', 'fields', ...keys.flatMap((key) => ['-e', `xcap.${key}`]));
  expect(
    Object.fromEntries(
      text
        .trimEnd()
        .split('\t')
        .map((value, index) => [keys[index], value]),
    ),
  ).toEqual({
    hook: 'drop',
    reason: 'NETFILTER_DROP',
    location: 'nf_hook_slow+0xa2',
    pid: '4242',
    tid: '4243',
    comm: 'ping',
    context: 'softirq',
    netns: '4026532173',
    netns_name: 'blue',
    ifindex: '2',
    mark: '0xffffffff',
    cgroup: '',
    rule: '',
    stack: '',
    link: 'none',
  });
});

test('xcap.lua serves display filters', async () => {
  const bytes = await capture(
    sampleRecord(),
    sampleRecord({ reason: 'NO_SOCKET', comm: 'nc', pid: 7 }),
    sampleRecord({ reason: undefined, comm: 'curl' }),
  );
  const filtered = (filter: string): string =>
    tshark(bytes, '-Y', filter, '-T', 'fields', '-e', 'xcap.comm');
  expect(filtered('xcap.reason == "NETFILTER_DROP"')).toBe('ping\n');
  expect(filtered('xcap.pid < 100')).toBe('nc\n');
  expect(filtered('!xcap.reason')).toBe('curl\n');
  expect(filtered('xcap && icmp')).toBe('ping\nnc\ncurl\n');
});

test('xcap.lua unquotes names', async () => {
  const bytes = await capture(
    ...['a b', 'k=v', '"', '\\', '\\"x41', 'né', ''].map((comm) => sampleRecord({ comm })),
  );
  const text = tshark(bytes, '-T', 'json', '-e', 'xcap.comm');
  const packets = JSON.parse(text) as { _source: { layers: { 'xcap.comm'?: string[] } } }[];
  expect(packets.map(({ _source }) => _source.layers['xcap.comm']?.[0])).toEqual([
    'a b',
    'k=v',
    '"',
    '\\',
    '\\"x41',
    'né',
    '',
  ]);
});
