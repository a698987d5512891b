import { emitStruct } from './emit-c.ts';
import { RULE_BYTES, RULE_FIELDS, RULE_HOW, RULE_KINDS } from './rules.ts';

/** The C of rule.gen.h: struct xcap_rule and its numbers. */
export function emitRuleHeader(): string {
  return [
    ...emitStruct('xcap_rule', RULE_FIELDS, RULE_BYTES),
    '',
    ...RULE_KINDS.map((name, i) => `#define XCAP_RULE_${name.toUpperCase()} ${i}`),
    ...RULE_HOW.map((name, i) => `#define XCAP_RULE_BY_${name.toUpperCase()} ${i}`),
    '',
  ].join('\n');
}
