import { expect, it } from 'vitest';
import { EventView } from '../../../src/abi/decode.ts';
import { decodeSocket } from '../../../src/abi/decode-socket.ts';
import {
  EVENT_BYTES,
  EVENT_FIELDS,
  SOCKET_BYTES,
  SOCKET_FIELDS,
  SYNTH_LAYERS,
} from '../../../src/abi/events.ts';
import { socketFields } from '../../../src/records/socket.ts';

function encode(family: number, state: number): Uint8Array {
  const bytes = new Uint8Array(SOCKET_BYTES);
  const view = new DataView(bytes.buffer);
  const at = (name: string): number => SOCKET_FIELDS.find((field) => field.name === name)!.offset;
  bytes.set([10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9], at('laddr'));
  bytes.set([10, 0, 0, 2], at('raddr'));
  view.setUint16(at('lport'), 40000, true);
  view.setUint16(at('rport'), 80, true);
  view.setUint16(at('family'), family, true);
  view.setUint16(at('protocol'), 262, true);
  view.setUint8(at('state'), state);
  return bytes;
}

const fields = (family: number, state: number) => socketFields(decodeSocket(encode(family, state)));

it('reads the addresses of both families', () => {
  expect(fields(2, 1)).toEqual({
    ...{ laddr: '10.0.0.1', lport: 40000, raddr: '10.0.0.2', rport: 80 },
    ...{ family: 'inet', sockProtocol: 262, state: 'ESTABLISHED' },
  });
  expect(fields(10, 10)).toMatchObject({
    ...{ laddr: 'a00:1::9', raddr: 'a00:2::', family: 'inet6', state: 'LISTEN' },
  });
});

it('has no addresses of families without them, and numbers for what has no name', () => {
  expect(fields(1, 7)).toMatchObject({ laddr: undefined, lport: undefined, family: 'unix' });
  expect(fields(200, 99)).toMatchObject({ raddr: undefined, family: '200', state: '99' });
});

it('is in an event in the place of captured bytes', () => {
  const bytes = new Uint8Array(EVENT_BYTES + SOCKET_BYTES);
  const view = new DataView(bytes.buffer);
  const at = (name: string): number => EVENT_FIELDS.find((field) => field.name === name)!.offset;
  view.setUint32(at('captured_length'), SOCKET_BYTES, true);
  view.setUint8(at('link'), 2);
  bytes.set(encode(2, 1), EVENT_BYTES);
  const event = new EventView(bytes);
  event.moveTo(0, bytes.length);
  expect(event.data).toHaveLength(0);
  expect(event.link).toBe('raw');
  expect(event.socket?.rport).toBe(80);
});

it('is in front of the packet that the socket would send', () => {
  const packet = Uint8Array.of(1, 2, 3);
  const bytes = new Uint8Array((EVENT_BYTES + SOCKET_BYTES + packet.length + 7) & ~7);
  const view = new DataView(bytes.buffer);
  const at = (name: string): number => EVENT_FIELDS.find((field) => field.name === name)!.offset;
  view.setUint32(at('captured_length'), SOCKET_BYTES + packet.length, true);
  view.setUint8(at('link'), 2);
  view.setUint8(at('synth'), SYNTH_LAYERS.ip6 | SYNTH_LAYERS.udp);
  bytes.set(encode(10, 1), EVENT_BYTES);
  bytes.set(packet, EVENT_BYTES + SOCKET_BYTES);
  const event = new EventView(bytes);
  event.moveTo(0, bytes.length);
  expect(event.data).toEqual(packet);
  expect(event.link).toBe('ethernet');
  expect(event.synth).toBe('eth,ip6,udp');
  expect(event.socket?.lport).toBe(40000);
});
