/** The types of BTF as plain data. Numbers of kinds: include/uapi/linux/btf.h. */

export const KIND = {
  void: 0,
  int: 1,
  ptr: 2,
  array: 3,
  struct: 4,
  union: 5,
  enum: 6,
  fwd: 7,
  typedef: 8,
  volatile: 9,
  const: 10,
  restrict: 11,
  func: 12,
  func_proto: 13,
  var: 14,
  datasec: 15,
  float: 16,
  decl_tag: 17,
  type_tag: 18,
  enum64: 19,
} as const;
export type BtfKind = keyof typeof KIND;

/** Kinds by number. */
export const KIND_NAMES = Object.keys(KIND) as readonly BtfKind[];

export interface BtfMember {
  /** Empty for an anonymous struct or union. */
  readonly name: string;
  readonly typeId: number;
  readonly bitOffset: number;
  /** Width in bits of a bit-field, 0 for any other member. */
  readonly bitfieldSize: number;
}

export interface BtfParam {
  readonly name: string;
  /** 0 for the `...` of a variadic function. */
  readonly typeId: number;
}

export interface BtfEnumerator {
  readonly name: string;
  readonly value: bigint;
}

export interface BtfSectionEntry {
  readonly typeId: number;
  readonly offset: number;
  readonly sizeBytes: number;
}

interface Base {
  readonly id: number;
  readonly name: string;
}
export interface BtfInt extends Base {
  readonly kind: 'int';
  readonly sizeBytes: number;
  readonly bits: number;
  readonly bitOffset: number;
  readonly signed: boolean;
  readonly char: boolean;
  readonly bool: boolean;
}
export interface BtfComposite extends Base {
  readonly kind: 'struct' | 'union';
  readonly sizeBytes: number;
  readonly members: readonly BtfMember[];
}
export interface BtfEnum extends Base {
  readonly kind: 'enum' | 'enum64';
  readonly sizeBytes: number;
  readonly signed: boolean;
  readonly values: readonly BtfEnumerator[];
}
export interface BtfReference extends Base {
  readonly kind: 'ptr' | 'typedef' | 'volatile' | 'const' | 'restrict' | 'type_tag';
  readonly typeId: number;
}
export interface BtfArray extends Base {
  readonly kind: 'array';
  readonly elementTypeId: number;
  readonly indexTypeId: number;
  readonly length: number;
}
export interface BtfForward extends Base {
  readonly kind: 'fwd';
  readonly union: boolean;
}
export interface BtfFunc extends Base {
  readonly kind: 'func';
  readonly typeId: number;
  readonly linkage: number;
}
export interface BtfFuncProto extends Base {
  readonly kind: 'func_proto';
  readonly returnTypeId: number;
  readonly params: readonly BtfParam[];
}
export interface BtfVar extends Base {
  readonly kind: 'var';
  readonly typeId: number;
  readonly linkage: number;
}
export interface BtfSection extends Base {
  readonly kind: 'datasec';
  readonly sizeBytes: number;
  readonly entries: readonly BtfSectionEntry[];
}
export interface BtfDeclTag extends Base {
  readonly kind: 'decl_tag';
  readonly typeId: number;
  /** Member or parameter that the tag is on; -1 for the type itself. */
  readonly componentIndex: number;
}
export interface BtfFloat extends Base {
  readonly kind: 'float';
  readonly sizeBytes: number;
}
export interface BtfVoid extends Base {
  readonly kind: 'void';
  readonly sizeBytes: 0;
}

export type BtfType =
  | BtfInt
  | BtfComposite
  | BtfEnum
  | BtfReference
  | BtfArray
  | BtfForward
  | BtfFunc
  | BtfFuncProto
  | BtfVar
  | BtfSection
  | BtfDeclTag
  | BtfFloat
  | BtfVoid;
