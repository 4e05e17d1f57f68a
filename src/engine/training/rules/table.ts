/** Every operator that can be differentiated, and those whose result does not move with small changes of their input. */
import { DataType, type Node, intAttribute } from '../../onnx/model';
import { type ActivationOp, activations } from './activations';
import { type ElementwiseOp, elementwise } from './elementwise';
import { type IndexingOp, indexing } from './indexing';
import { type MovementOp, movement } from './movement';
import { type NormalizationOp, normalizations } from './normalizations';
import { type ProductOp, products } from './products';
import { type ReductionOp, reductions } from './reductions';
import type { GradientRule, Rules } from './rule';

/** Operators with a gradient rule; those of another domain are written "domain.Operator". */
export type SupportedOp =
  | ActivationOp
  | ElementwiseOp
  | IndexingOp
  | MovementOp
  | NormalizationOp
  | ProductOp
  | ReductionOp;

/** A rule for each of them: an operator that is named above and has none does not compile. */
const RULES: Rules<SupportedOp> = {
  ...activations,
  ...elementwise,
  ...indexing,
  ...movement,
  ...normalizations,
  ...products,
  ...reductions,
};

/** What does not change, or only in steps: nothing flows back through these. */
const FLAT: ReadonlySet<string> = new Set([
  'And',
  'ArgMax',
  'ArgMin',
  'BitShift',
  'Ceil',
  'ConstantOfShape',
  'Equal',
  'Floor',
  'Greater',
  'GreaterOrEqual',
  'IsInf',
  'IsNaN',
  'Less',
  'LessOrEqual',
  'NonZero',
  'Not',
  'Or',
  'Range',
  'Round',
  'Shape',
  'Sign',
  'Size',
  'Xor',
]);

const FLOATS: ReadonlySet<DataType> = new Set([
  DataType.FLOAT,
  DataType.DOUBLE,
  DataType.FLOAT16,
  DataType.BFLOAT16,
]);

export function ruleFor(node: Node): GradientRule | undefined {
  const name = operatorOf(node);
  return Object.hasOwn(RULES, name) ? RULES[name as SupportedOp] : undefined;
}

/** True where no gradient passes, whatever the inputs. */
export function isFlat(node: Node): boolean {
  const isToWhole = node.opType === 'Cast' && !FLOATS.has(intAttribute(node, 'to', 0));
  return isToWhole || FLAT.has(operatorOf(node));
}

/** An operator's name among the rules. */
export function operatorOf({ domain, opType }: Node): string {
  return domain === '' || domain === 'ai.onnx' ? opType : `${domain}.${opType}`;
}

/** The operators that have a rule, for tests that must miss none. */
export const supportedOps = Object.keys(RULES) as readonly SupportedOp[];
