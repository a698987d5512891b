import { expect, test } from 'vitest';

import { SequenceTable } from '../../../src/packet/tcp-sequences.ts';

const client = { address: '10.0.0.1', port: 40000 };
const server = { address: '10.0.0.2', port: 80 };

test('base() leaves the first segment of a connection as it is', () => {
  const table = new SequenceTable();
  expect(table.base(client, server, { seq: 1001, ack: 5001, syn: false })).toMatchObject({
    seq: 0,
    ack: 0,
  });
});

test('base() knows both directions after one segment', () => {
  const table = new SequenceTable();
  table.base(server, client, { seq: 5000, ack: 1001, syn: true });
  expect(table.base(client, server, { seq: 1001, ack: 5001, syn: false })).toEqual({
    seq: 1000,
    ack: 5000,
    sack: 5000,
  });
  expect(table.base(server, client, { seq: 5001, ack: 1101, syn: false })).toEqual({
    seq: 5000,
    ack: 1000,
    sack: 1000,
  });
});

test('base() starts over when the ports are used again', () => {
  const table = new SequenceTable();
  table.base(server, client, { seq: 5000, ack: 1001, syn: true });
  table.base(server, client, { seq: 90_000, ack: 70_001, syn: true });
  expect(table.base(client, server, { seq: 70_001, ack: 90_001, syn: false }).seq).toBe(70_000);
});

test('base() tells two ends with the same port apart by address', () => {
  const table = new SequenceTable();
  const a = { address: '10.0.0.1', port: 179 };
  const b = { address: '10.0.0.2', port: 179 };
  table.base(a, b, { seq: 100, ack: 201, syn: true });
  expect(table.base(b, a, { seq: 205, ack: 101, syn: false })).toMatchObject({
    seq: 200,
    ack: 100,
  });
});

test('SequenceTable forgets the oldest connection beyond its limit', () => {
  const table = new SequenceTable(2);
  for (const port of [1, 2, 3]) {
    table.base({ ...client, port }, server, { seq: 10, ack: 1, syn: false });
  }
  expect(table.size).toBe(2);
  const again = table.base({ ...client, port: 1 }, server, { seq: 12, ack: 1, syn: false });
  expect(again.seq).toBe(0);
});
