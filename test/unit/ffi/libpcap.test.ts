import { expect, test } from 'vitest';
import { openLibpcap } from '../../../src/ffi/libpcap.ts';

const pcap = openLibpcap();
const ethernet = { linkType: 1, snaplen: 262144, optimize: true };

test('openLibpcap() tells the version', () => {
  expect(pcap.version).toMatch(/^libpcap version 1\./);
});

test('compile() gives the program of an expression', () => {
  expect(pcap.compile('ip', ethernet)).toEqual({
    program: [
      { code: 0x28, jt: 0, jf: 0, k: 12 },
      { code: 0x15, jt: 0, jf: 1, k: 0x800 },
      { code: 0x06, jt: 0, jf: 0, k: 262144 },
      { code: 0x06, jt: 0, jf: 0, k: 0 },
    ],
  });
});

test('compile() obeys link type, snaplen and optimisation', () => {
  const raw = pcap.compile('ip', { ...ethernet, linkType: 12, snaplen: 96 });
  expect(raw).toMatchObject({
    program: expect.arrayContaining([{ code: 6, jt: 0, jf: 0, k: 96 }]) as unknown,
  });
  const length = (optimize: boolean): number => {
    const result = pcap.compile('host 10.0.0.1 or host 10.0.0.2', { ...ethernet, optimize });
    return 'program' in result ? result.program.length : 0;
  };
  expect(length(true)).toBeLessThan(length(false));
});

test("compile() gives libpcap's own message", () => {
  expect(pcap.compile('tcp port 99999', ethernet)).toEqual({
    error: 'illegal port number 99999 > 65535',
  });
  expect(pcap.compile('arp', { ...ethernet, linkType: 12 })).toEqual({
    error: 'expression rejects all packets',
  });
});

test('compile() refuses a NUL character instead of stopping there', () => {
  expect(pcap.compile('tcp\0 and nonsense', ethernet)).toHaveProperty('error');
});

test('compile() can be called many times', () => {
  for (let i = 0; i < 2000; i += 1) {
    pcap.compile(`port ${i} or host 10.0.0.${i % 256}`, ethernet);
    pcap.compile('and', ethernet);
  }
});

test('evaluate() runs a program on captured bytes and wire length', () => {
  const result = pcap.compile('ip and greater 100', ethernet);
  if ('error' in result) throw new Error(result.error);
  const packet = new Uint8Array(60);
  packet.set([8, 0], 12);
  expect(pcap.evaluate(result.program, packet, 100)).toBe(262144);
  expect(pcap.matches(result.program, packet, 99)).toBe(false);
  expect(pcap.matches(result.program, packet.subarray(0, 13), 100)).toBe(false);
  expect(pcap.matches(result.program, new Uint8Array(0), 100)).toBe(false);
});
