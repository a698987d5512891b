import { expect, test } from 'vitest';
import { JsonSink } from '../../../src/output/json.ts';
import { PcapngSink } from '../../../src/output/pcapng/writer.ts';
import { TeeSink } from '../../../src/output/tee.ts';
import { MemoryStream, sampleRecord, sampleStats, tsharkFields } from './samples.ts';

test('TeeSink writes, flushes and closes all of its sinks', async () => {
  const [json, pcapng] = [new MemoryStream(), new MemoryStream()];
  const tee = new TeeSink([
    new JsonSink(json, { snaplen: 0 }),
    new PcapngSink(pcapng, { snaplen: 0, application: 'xcap' }),
  ]);
  tee.write(sampleRecord());
  await tee.flush();
  expect(json.bytes.toString().split('\n')).toHaveLength(2);
  expect(tsharkFields(pcapng.bytes, 'icmp.type')).toEqual([['8']]);
  await tee.close([sampleStats()]);
  expect([json.ended, pcapng.ended]).toEqual([true, true]);
});

test('TeeSink closes its other sinks when one fails, and says so', async () => {
  class BrokenStream extends MemoryStream {
    override end(): Promise<void> {
      return Promise.reject(new Error('no such luck'));
    }
  }
  const json = new MemoryStream();
  const tee = new TeeSink([
    new JsonSink(new BrokenStream(), { snaplen: 0 }),
    new JsonSink(json, { snaplen: 0 }),
  ]);
  await expect(tee.close([])).rejects.toThrow('no such luck');
  expect(json.ended).toBe(true);
});
