import { expect, test } from 'vitest';
import { hideHostNames } from '../../../src/filter/host-names.ts';
import { tokenise } from '../../../src/filter/tokenise.ts';

test.each([
  ['host www.example.org and tcp', 'host 0.0.0.0 and tcp'],
  ['src www or mail', 'src 0.0.0.0 or 0.0.0.0'],
  ['ip6 host www', 'ip6 host ::1'],
  ['host beef', 'host beef'],
  ['host www and port http', 'host 0.0.0.0 and port http'],
  ['ether host printer', 'ether host printer'],
  ['host 10.0.0.1 or 2001:db8::1', 'host 10.0.0.1 or 2001:db8::1'],
  ['net loopback', 'net loopback'],
  ['tcp[tcpflags] & tcp-syn != 0', 'tcp [ tcpflags ] & tcp-syn != 0'],
])('hideHostNames() makes of `%s` `%s`', (expression, expected) => {
  expect(hideHostNames(tokenise(expression)).join(' ')).toBe(expected);
});
