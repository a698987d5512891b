import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NetnsPair } from '../support/netns.ts';
import { ethernet, filler, ipv4, udp } from '../support/packets.ts';
import { capture } from '../support/tracer.ts';
import { sendFrames } from '../support/traffic.ts';

const HEADERS = 14 + 20 + 8;
/** Around those that are put together in the ring itself (templates/include/capture.h), and beyond them. */
const LENGTHS = [
  ...[60, 63, 64, 65, 119, 120, 121, 123, 124, 125, 127, 128, 129],
  ...[191, 193, 247, 248, 249, 251, 252, 253, 255, 256, 257, 700],
];
/** A guest takes its time: two of them there. */
const SNAPLENS =
  process.env['XCAP_GUEST'] === undefined
    ? [262_144, 10, 16, 17, 100, 128, 200, 256, 300]
    : [262_144, 100];
const TAGGED = { device: 'v7', id: 7 };
const TAG = Buffer.from([0x81, 0x00, 0, TAGGED.id]).toString('hex');
const ADDRESSES = 2 * 12;

let pair: NetnsPair;
let hasVlan = true;
beforeAll(() => {
  pair = new NetnsPair();
  pair.b.iptables('-A', 'INPUT', '-p', 'udp', '--dport', '9', '-j', 'DROP');
  const { device, id } = TAGGED;
  const add = ['ip', 'link', 'add', 'link', pair.a.device, 'name', device];
  hasVlan = pair.a.try([...add, 'type', 'vlan', 'id', String(id)]).status === 0;
  if (hasVlan) pair.a.exec('ip', 'link', 'set', device, 'up');
});
afterAll(() => {
  pair.dispose();
});

/** Frames of these lengths to a port that a rule drops. */
function frames(): Uint8Array[] {
  const { a, b } = pair;
  return LENGTHS.map((length) =>
    ethernet(
      0x0800,
      ipv4(
        { src: a.address4, dst: b.address4, protocol: 17 },
        udp({ sport: 7, dport: 9, checksum: 0 }, filler(length - HEADERS)),
      ),
      { src: a.mac, dst: b.mac },
    ),
  );
}

const hex = (frame: Uint8Array): string => Buffer.from(frame).toString('hex');

describe.each(SNAPLENS)('packets of any length, at a snap length of %i', (snaplen) => {
  it('have their bytes', async () => {
    const sent = frames();
    const { records, summaries, stderr } = await capture(
      ['--netns', pair.b.name, '-s', String(snaplen), 'udp port 9'],
      () => void sendFrames(pair.a, sent),
    );
    expect(
      records.map(({ packet }) => packet),
      stderr,
    ).toEqual(sent.map((frame) => hex(frame.subarray(0, snaplen))));
    expect(records.map(({ len }) => len)).toEqual(LENGTHS);
    expect(summaries).toMatchObject([{ matched: LENGTHS.length, lost: 0, left: 0, missed: 0 }]);
  });

  it('have the tag that the kernel keeps beside them', async ({ skip }) => {
    if (!hasVlan) skip('this kernel has no VLAN devices');
    const sent = frames();
    const { records, summaries, stderr } = await capture(
      [
        ...['--hook', 'tx', '--netns', pair.a.name, '-s', String(snaplen)],
        `vlan ${TAGGED.id} and udp port 9`,
      ],
      () => void sendFrames(pair.a, sent, { device: TAGGED.device }),
    );
    const tagged = sent
      .map(hex)
      .map((text) => text.slice(0, ADDRESSES) + TAG + text.slice(ADDRESSES));
    expect(
      records.map(({ packet }) => packet),
      stderr,
    ).toEqual(tagged.map((text) => text.slice(0, 2 * snaplen)));
    expect(records.map(({ len }) => len)).toEqual(LENGTHS.map((length) => length + TAG.length / 2));
    expect(summaries).toMatchObject([{ matched: LENGTHS.length, lost: 0, left: 0, missed: 0 }]);
  });
});
